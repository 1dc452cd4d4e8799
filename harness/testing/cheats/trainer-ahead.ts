/** For tests only: a trainer whose steps another thread takes, from `reset` on, whether or not anybody has asked for them. */
import { isMainThread, Worker, workerData } from 'node:worker_threads';
import type { CreateTrainer, Trainer, TrainingTask } from '../../../impls/contract.ts';

interface Shared {
  readonly module: string;
  readonly task: TrainingTask;
  readonly words: Int32Array;
  readonly losses: Float64Array;
}

/** Places in `words`: the number of the reset asked for and of the one under way, its first document, and how many steps are done. */
const [ASKED, UNDER_WAY, FIRST, DONE] = [0, 1, 2, 3];

/** @param module address of the trainer's module */
export function trainerAhead(module: string, task: TrainingTask): Pick<Trainer, 'reset' | 'train'> {
  const words = new Int32Array(new SharedArrayBuffer(16));
  const losses = new Float64Array(new SharedArrayBuffer(8 * task.numSteps));
  new Worker(import.meta.filename, { workerData: { module, task, words, losses } satisfies Shared }).unref();
  let trained = 0;
  const trainer: ReturnType<typeof trainerAhead> = {
    reset(firstDocument) {
      trained = 0;
      words[FIRST] = firstDocument;
      const asked = Atomics.add(words, ASKED, 1) + 1;
      Atomics.notify(words, ASKED);
      for (let number = words[UNDER_WAY]; number !== asked; number = Atomics.load(words, UNDER_WAY))
        Atomics.wait(words, UNDER_WAY, number);
    },
    train(steps) {
      const from = trained;
      trained += steps;
      for (let done = Atomics.load(words, DONE); done < trained; done = Atomics.load(words, DONE))
        Atomics.wait(words, DONE, done);
      return losses.slice(from, trained);
    },
  };
  trainer.reset(0);
  return trainer;
}

if (!isMainThread) {
  const { module, task, words, losses }: Shared = workerData;
  const loaded: { readonly default: CreateTrainer } = await import(module);
  const trainer = await loaded.default(task);
  for (let number = 0; ; ) {
    Atomics.wait(words, ASKED, number);
    number = Atomics.load(words, ASKED);
    trainer.reset(words[FIRST]);
    Atomics.store(words, DONE, 0);
    Atomics.store(words, UNDER_WAY, number);
    Atomics.notify(words, UNDER_WAY);
    for (let step = 0; step < task.numSteps && Atomics.load(words, ASKED) === number; step++) {
      losses.set(trainer.train(1), step);
      Atomics.store(words, DONE, step + 1);
      Atomics.notify(words, DONE);
    }
  }
}
