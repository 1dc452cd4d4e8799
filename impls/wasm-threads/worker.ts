import { parentPort, workerData } from 'node:worker_threads';
import {
  aloneSlot,
  endedTurnSlot,
  endStepSlot,
  firstDocumentSlot,
  firstStepSlot,
  Meeting,
  patience,
  trial,
  trialSlot,
  turnSlot,
} from './meeting.ts';
import { type Common, Part, type PartStart } from './part.ts';

/** What the trainer passes to a worker at its start. */
export interface WorkerStart {
  readonly common: Common;
  readonly start: PartStart;
}

const { common, start }: WorkerStart = workerData;
const { part: me, parts } = start.request.plan;
const part = new Part(start, common);
const control = new Int32Array(common.control);
const meeting = new Meeting(common.control, me, parts);
/** In milliseconds, as are all times here. */
const longerThanTurn = 12;
const mostLost = 2;
parentPort?.postMessage('ready');

for (let turn = 1; ; turn++) {
  Atomics.wait(control, turnSlot, turn - 1);
  if (Atomics.load(control, trialSlot(me)) === trial.running) Atomics.store(control, trialSlot(me), tryCore());
  else trainTogether(turn);
}

/** Trains this part of the steps of the invitation, or until it is sent away. */
function trainTogether(turn: number): void {
  part.kernel.firstDocument = Atomics.load(control, firstDocumentSlot);
  const end = Atomics.load(control, endStepSlot);
  for (let step = Atomics.load(control, firstStepSlot); step < end; step++) {
    meeting.meet();
    if (Atomics.load(control, endedTurnSlot) === turn) return;
    for (const [i, run] of part.pieces(step).entries()) {
      if (i > 0) meeting.meet();
      run();
    }
  }
  meeting.meet();
}

/** Tests whether this thread has a core of its own, for longer than a scheduler's turn, while the first thread works. */
function tryCore(): number {
  const start = performance.now();
  let lost = 0;
  for (let before = start; before - start < longerThanTurn; ) {
    if (Atomics.load(control, aloneSlot) === 0) return trial.stopped;
    const now = performance.now();
    if (now - before > patience) lost += now - before;
    if (lost > mostLost) return trial.interrupted;
    before = now;
  }
  return trial.quiet;
}
