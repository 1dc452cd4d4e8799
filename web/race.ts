import type { FromRacer, Precision, RaceTask, ToRacer, TurnReport } from './messages.ts';

/** A row before the race. */
export interface Entry {
  readonly implementation: string;
  readonly technique: string;
  readonly precision: Precision;
}

/** A row in the race. */
export type RowState =
  | { readonly kind: 'preparing' }
  | { readonly kind: 'racing' | 'finished'; readonly progress: Progress }
  | { readonly kind: 'wrong'; readonly reason: string; readonly progress: Progress }
  | { readonly kind: 'broken' | 'unsupported'; readonly reason: string };

export interface Progress {
  readonly losses: readonly number[];
  readonly latest: TurnReport;
}

export interface RaceEvents {
  /** A row is ready. It has so many parameters and trains on so many documents. */
  readonly onTask: (parameters: number, documents: number) => void;
  readonly onRow: (row: number, state: RowState) => void;
  /** Every row is finished, wrong or out of the race. */
  readonly onEnd: () => void;
}

/** Much longer than a message takes, and short enough for the reader to see progress. */
const TURN_MILLISECONDS = 40;

/**
 * Races rows, each in a worker of its own. They take turns, so each is timed alone, on any number of cores.
 * A row that has trained its steps before its time is sure continues with further laps.
 *
 * @returns a function that ends the race and all its workers at once
 */
export function startRace(entries: readonly Entry[], task: RaceTask, events: RaceEvents): () => void {
  const workers = entries.map(
    // The name tells the worker the page's address, where the kernels are.
    () => new Worker(new URL('./worker.ts', import.meta.url), { type: 'module', name: document.baseURI }),
  );
  const states: RowState[] = entries.map(() => ({ kind: 'preparing' }));
  let running = true;
  const stop = () => {
    running = false;
    for (const worker of workers) worker.terminate();
  };

  const set = (row: number, state: RowState) => {
    states[row] = state;
    if (running) events.onRow(row, state);
  };
  const ask = async (row: number, message: ToRacer): Promise<FromRacer> => {
    const answered = answerOf(workers[row]);
    workers[row].postMessage(message);
    return answered;
  };

  const run = async () => {
    await Promise.all(
      entries.map(async ({ implementation, precision }, row) => {
        const answer = await ask(row, { kind: 'prepare', implementation, precision, task });
        if (answer.kind === 'ready') events.onTask(answer.parameters, answer.documents);
        else if (answer.kind !== 'turn') set(row, answer);
      }),
    );
    while (running && states.some(wantsTurn)) {
      for (const [row, state] of states.entries()) {
        if (!running || !wantsTurn(state)) continue;
        const answer = await ask(row, { kind: 'turn', milliseconds: TURN_MILLISECONDS });
        if (answer.kind === 'turn') set(row, after(state, answer, task.steps));
        else if (answer.kind !== 'ready') set(row, answer);
      }
    }
    if (!running) return;
    stop();
    events.onEnd();
  };
  void run();
  return stop;
}

/** Whether a row needs another turn: its steps are not all verified, or its time is not sure. */
function wantsTurn(state: RowState): boolean {
  return (
    state.kind === 'preparing' ||
    state.kind === 'racing' ||
    (state.kind === 'finished' && !state.progress.latest.isTimed)
  );
}

function after(state: RowState, report: TurnReport, steps: number): RowState {
  const before = 'progress' in state ? state.progress.losses : [];
  const progress = { losses: report.losses.length === 0 ? before : [...before, ...report.losses], latest: report };
  if (report.wrong !== undefined) return { kind: 'wrong', reason: report.wrong, progress };
  const finished = progress.losses.length === steps && report.fractionOfBound !== undefined;
  return { kind: finished ? 'finished' : 'racing', progress };
}

/** The next message of a worker. A worker that fails to load or throws gives the answer `broken`. */
function answerOf(worker: Worker): Promise<FromRacer> {
  return new Promise((resolve) => {
    worker.onmessage = ({ data }: MessageEvent<FromRacer>) => resolve(data);
    worker.onerror = (event) => {
      event.preventDefault();
      resolve({ kind: 'broken', reason: event.message || 'its worker could not be loaded' });
    };
  });
}
