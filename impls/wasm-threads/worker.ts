import { parentPort, workerData } from 'node:worker_threads';
import {
  endStepSlot,
  firstDocumentSlot,
  firstStepSlot,
  joinSlot,
  Meeting,
  readySlot,
  togetherSlot,
  turnSlot,
} from './meeting.ts';
import { type Common, Part, type PartStart } from './part.ts';

/** What a worker is started with, by the trainer next door, in the same version of this folder. */
export interface WorkerStart {
  readonly common: Common;
  readonly start: PartStart;
}

const { common, start }: WorkerStart = workerData;
const { part: me, parts } = start.request.plan;
const part = new Part(start, common);
const control = new Int32Array(common.control);
/** Nobody wakes who waits here. */
const pauses = new Int32Array(new SharedArrayBuffer(4));
const meeting = new Meeting(common.control, me, parts);
parentPort?.postMessage('ready');

for (let turn = 0; ; turn++) {
  Atomics.wait(control, turnSlot, turn);
  if (trainTogether() === 'sent away') {
    waitForQuiet();
    Atomics.store(control, readySlot(me), 1);
  }
}

function trainTogether(): 'done' | 'sent away' {
  part.kernel.firstDocument = Atomics.load(control, firstDocumentSlot);
  meeting.joinAt(Atomics.load(control, joinSlot));
  const end = Atomics.load(control, endStepSlot);
  for (let step = Atomics.load(control, firstStepSlot); step < end; step++) {
    meeting.meet();
    if (Atomics.load(control, togetherSlot) === 0) return 'sent away';
    for (const [i, run] of part.pieces(step).entries()) {
      if (i > 0) meeting.meet();
      run();
    }
  }
  meeting.meet();
  return 'done';
}

/** Returns when this thread has had a core to itself for some time: until then it would only keep the others waiting. */
function waitForQuiet(): void {
  for (let pause = 20; !isQuiet(); pause = Math.min(2 * pause, 320)) Atomics.wait(pauses, 0, 0, pause);
}

/** Whether this thread is not interrupted for 12 ms, longer than a scheduler's turn. */
function isQuiet(): boolean {
  const start = performance.now();
  for (let before = start; before - start < 12; ) {
    const now = performance.now();
    if (now - before > 0.4) return false;
    before = now;
  }
  return true;
}
