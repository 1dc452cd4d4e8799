/**
 * The harness's clock, which stands still while this process is stopped by Ctrl-Z, until `fg` (SIGCONT). Rows are in sessions
 * of their own and go on; their answers wait to be read.
 */
const TICK_MILLISECONDS = 250;

let stoppedMilliseconds = 0;
let timesStopped = 0;
/** When this process last looked at the time, and when before that. */
let last: number | undefined;
let before = 0;

function look(): void {
  before = last ?? performance.now();
  last = performance.now();
}

/** To be called before whatever may be stopped. */
function watch(): void {
  if (last !== undefined) return;
  look();
  setInterval(look, TICK_MILLISECONDS).unref();
  // Where there is no such signal, it never comes.
  process.on('SIGCONT', () => {
    // The tick that was due comes before or after the signal.
    const now = performance.now();
    stoppedMilliseconds += Math.max((last ?? now) - before, now - (last ?? now));
    timesStopped++;
    [before, last] = [now, now];
  });
}

/** Without the time in which this process was stopped. */
export function runningMilliseconds(): number {
  watch();
  return performance.now() - stoppedMilliseconds;
}

const LONGEST_TIMER = 2 ** 31 - 1;

/** `setTimeout` by this clock. @returns what cancels it */
export function runningTimeout(act: () => void, milliseconds: number): () => void {
  const end = runningMilliseconds() + milliseconds;
  let timer: NodeJS.Timeout;
  let check: NodeJS.Immediate | undefined;
  const wait = () => {
    const left = end - runningMilliseconds();
    timer = setTimeout(
      () => {
        // Timers come first when this process goes on; by the next phase the signal and what waited to be read have come
        // too.
        check = setImmediate(() => (end > runningMilliseconds() ? wait() : act()));
      },
      Math.min(Math.max(0, left), LONGEST_TIMER),
    );
  };
  wait();
  return () => {
    clearTimeout(timer);
    clearImmediate(check);
  };
}

/** Repeats work in which this process was stopped: its times mean nothing. */
export async function repeatIfStopped<T>(work: () => Promise<T>): Promise<T> {
  watch();
  const stops = timesStopped;
  const result = await work();
  return stops === timesStopped ? result : repeatIfStopped(work);
}
