import { parentPort, workerData } from 'node:worker_threads';
import { slots, type ThreadStart, TrainingThread } from './thread.ts';

// Written by the trainer next door, in the same version of this folder.
const start: ThreadStart = workerData;
const thread = new TrainingThread(start);
const control = new Int32Array(start.control);
parentPort?.postMessage('ready');

for (let turn = 0; ; turn++) {
  Atomics.wait(control, slots.turn, turn);
  const firstStep = Atomics.load(control, slots.firstStep);
  const steps = Atomics.load(control, slots.steps);
  thread.kernel.firstDocument = Atomics.load(control, slots.firstDocument);
  for (let i = 0; i < steps; i++) thread.trainStep(firstStep + i);
}
