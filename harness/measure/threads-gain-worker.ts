/** One more thread of {@link measureThreadsGain}: it gets the start of each window, and answers how often its loop ran in it. */
import { parentPort, workerData } from 'node:worker_threads';
import { peakLoop } from './simd-peak.ts';
import { runsInWindow } from './threads-gain.ts';

const run = peakLoop(workerData);
parentPort?.on('message', (start: bigint) => parentPort?.postMessage(runsInWindow(run, start)));
parentPort?.postMessage('ready');
