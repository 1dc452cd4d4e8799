import { parentPort, workerData } from 'node:worker_threads';
import { endedTurnSlot, endStepSlot, firstDocumentSlot, firstStepSlot, Meeting, turnSlot } from './meeting.ts';
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
parentPort?.postMessage('ready');

for (let turn = 1; ; turn++) {
  Atomics.wait(control, turnSlot, turn - 1);
  trainTogether(turn);
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
