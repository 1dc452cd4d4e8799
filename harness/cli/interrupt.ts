import { exitCode } from './exit-code.ts';

const controller = new AbortController();
let listening = false;

/** Aborts at the first Ctrl-C (or SIGTERM), so that figures are kept and children ended. A second one ends the process at once. */
export function interruptSignal(): AbortSignal {
  if (!listening) {
    listening = true;
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, interrupt);
  }
  return controller.signal;
}

export function interrupt(): void {
  if (controller.signal.aborted) process.exit(exitCode.interrupted);
  controller.abort(new Error('interrupted'));
}
