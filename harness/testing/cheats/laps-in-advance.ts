/** For tests only: another thread trains whole laps, one first document after the other, before anybody asks for them. */
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import type { CreateTrainer, TrainingTask } from '../../../impls/contract.ts';

interface Start {
  readonly module: string;
  readonly task: TrainingTask;
}
interface KnownLap {
  readonly firstDocument: number;
  readonly losses: readonly number[];
}

/** @param module address of the trainer's module @returns the losses of the laps so far, by first document */
export function lapsInAdvance(module: string, task: TrainingTask): ReadonlyMap<number, KnownLap['losses']> {
  const known = new Map<number, KnownLap['losses']>();
  const worker = new Worker(import.meta.filename, { workerData: { module, task } satisfies Start });
  worker.on('message', ({ firstDocument, losses }: KnownLap) => known.set(firstDocument, losses));
  worker.unref();
  return known;
}

if (!isMainThread) {
  const { module, task }: Start = workerData;
  const loaded: { readonly default: CreateTrainer } = await import(module);
  const trainer = await loaded.default(task);
  for (let firstDocument = 0; firstDocument < task.offsets.length - 1; firstDocument++) {
    trainer.reset(firstDocument);
    parentPort?.postMessage({ firstDocument, losses: [...trainer.train(task.numSteps)] } satisfies KnownLap);
  }
}
