import { once } from 'node:events';
import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import { type CreateTrainer, type Trainer, type TrainingTask, UnsupportedTask } from '../contract.ts';
import { loadKernel } from '../wasm-simd/kernel-cache.ts';
import type { Division } from '../wasm-simd/kernels/division.ts';
import { kernelLayout } from '../wasm-simd/kernels/request.ts';
import { kernelRequest } from '../wasm-simd/trainer.ts';
import { controlBytes, slots, type ThreadStart, TrainingThread } from './thread.ts';

/** From this many features on, half a step is so much shorter than a whole one that the barriers are worth their time. */
const smallestDividedWidth = 64;

const createTrainer: CreateTrainer = (task) => createThreadedTrainer(task, availableParallelism());
export default createTrainer;

/** A trainer on as many threads as there are cores, or fewer where the task has too few parts. */
export async function createThreadedTrainer(task: TrainingTask, cores: number): Promise<Trainer> {
  const request = kernelRequest(task, 'float32');
  const divisions = divide(task, cores);
  const control = new SharedArrayBuffer(controlBytes);
  const documentLosses = new SharedArrayBuffer(2 * task.batch * Float64Array.BYTES_PER_ELEMENT);
  let memory: WebAssembly.Memory | undefined;
  let buildNanoseconds = 0;
  const starts: ThreadStart[] = [];
  for (const division of divisions) {
    const own = { ...request, division };
    const kernel = await loadKernel(own);
    buildNanoseconds += kernel.buildNanoseconds ?? 0;
    memory ??= sharedMemory(kernelLayout(own).totalBytes);
    starts.push({ task, request: own, module: kernel.module, memory, control, documentLosses });
  }
  const [lead, ...others] = starts;
  if (lead === undefined) throw new RangeError('at least one thread');
  return new ThreadedTrainer(lead, await Promise.all(others.map(startWorker)), buildNanoseconds);
}

/** A worker that waits for its first command: whoever meets it at a barrier does not wait for one that could not start. */
async function startWorker(start: ThreadStart): Promise<Worker> {
  const worker = new Worker(new URL('./worker.ts', import.meta.url), { workerData: start });
  await once(worker, 'message');
  // A trainer that nobody closes must not keep the process.
  worker.unref();
  return worker;
}

/** By documents where there is a batch, else by features where there are enough of them. */
function divide({ batch, model }: TrainingTask, cores: number): Division[] {
  const by = batch > 1 ? 'documents' : 'features';
  const headDim = model.nEmbd / model.nHead;
  if (by === 'features' && model.nEmbd < smallestDividedWidth)
    throw new UnsupportedTask(
      `one document of n_embd ${model.nEmbd} is too little to divide among cores: --batch 2 or more, or --n-embd ${smallestDividedWidth} or more`,
    );
  if (by === 'features' && headDim % 4 !== 0)
    throw new UnsupportedTask(
      `heads of ${headDim} features do not fill vectors of 4, so threads cannot share them out`,
    );
  const threads = Math.min(cores, by === 'documents' ? batch : model.nHead);
  if (threads < 2)
    throw new UnsupportedTask('nothing to divide: this machine or this task has room for one thread only');
  return Array.from({ length: threads }, (_, thread) => ({ by, thread, threads }));
}

function sharedMemory(bytes: number): WebAssembly.Memory {
  const pages = Math.ceil(bytes / 65536);
  return new WebAssembly.Memory({ initial: pages, maximum: pages, shared: true });
}

class ThreadedTrainer implements Trainer {
  readonly buildNanoseconds?: number;
  readonly #lead: TrainingThread;
  readonly #workers: Worker[];
  readonly #control: Int32Array;
  #step = 0;

  constructor(lead: ThreadStart, workers: Worker[], buildNanoseconds: number) {
    if (buildNanoseconds > 0) this.buildNanoseconds = buildNanoseconds;
    this.#control = new Int32Array(lead.control);
    this.#lead = new TrainingThread(lead);
    this.#lead.kernel.reset(0);
    this.#workers = workers;
  }

  train(steps: number): Float64Array {
    const losses = this.#trainSteps(this.#step, steps);
    this.#step += steps;
    return losses;
  }

  reset(firstDocument: number): void {
    this.#step = 0;
    this.#lead.kernel.reset(firstDocument);
  }

  parameters(): Float64Array {
    return this.#lead.kernel.parameters();
  }

  gradients(): Float64Array {
    return this.#lead.kernel.gradientsOf(() => this.#trainSteps(this.#step, 1));
  }

  close(): void {
    for (const worker of this.#workers) void worker.terminate();
  }

  #trainSteps(firstStep: number, steps: number): Float64Array {
    Atomics.store(this.#control, slots.firstStep, firstStep);
    Atomics.store(this.#control, slots.steps, steps);
    Atomics.store(this.#control, slots.firstDocument, this.#lead.kernel.firstDocument);
    Atomics.add(this.#control, slots.turn, 1);
    Atomics.notify(this.#control, slots.turn);
    const losses = new Float64Array(steps);
    for (let i = 0; i < steps; i++) {
      this.#lead.trainStep(firstStep + i);
      const documents = this.#lead.lossesOf(firstStep + i);
      losses[i] = documents.reduce((sum, loss) => sum + loss, 0) / documents.length;
    }
    return losses;
  }
}
