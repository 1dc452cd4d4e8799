import { once } from 'node:events';
import { availableParallelism, cpus } from 'node:os';
import { Worker } from 'node:worker_threads';
import type { CreateTrainer, Trainer, TrainingTask } from '../contract.ts';
import { loadKernel } from '../wasm-simd/kernel-cache.ts';
import { type KernelRequest, kernelLayout } from '../wasm-simd/kernels/request.ts';
import { kernelRequest } from '../wasm-simd/trainer.ts';
import { divide } from './division.ts';
import {
  controlBytes,
  endedTurnSlot,
  endStepSlot,
  firstDocumentSlot,
  firstStepSlot,
  Meeting,
  turnSlot,
} from './meeting.ts';
import { watchOtherPrograms } from './other-programs.ts';
import { type Common, Part, type PartStart } from './part.ts';
import { AdaptivePartnership, type Partnership } from './partnership.ts';
import type { WorkerStart } from './worker.ts';

const createTrainer: CreateTrainer = (task) => createThreadedTrainer(task, availableParallelism());
export default createTrainer;

/** A trainer on as many threads as there are cores, or fewer if the task has fewer parts. */
export async function createThreadedTrainer(
  task: TrainingTask,
  cores: number,
  partnership?: Partnership,
): Promise<ThreadedTrainer> {
  const plans = divide(task, cores);
  const single = kernelRequest(task, 'float32');
  const stages: KernelRequest['stages'] = plans[0].share === undefined ? ['first', 'middle'] : single.stages;
  let buildNanoseconds = 0;
  const starts: PartStart[] = [];
  for (const plan of plans) {
    const request = { ...single, stages, plan };
    const kernel = await loadKernel(request);
    buildNanoseconds += kernel.buildNanoseconds ?? 0;
    starts.push({ request, module: kernel.module });
  }
  const common = {
    task,
    memory: sharedMemory(kernelLayout(starts[0].request).totalBytes),
    losses: new SharedArrayBuffer(plans.length * Float64Array.BYTES_PER_ELEMENT),
    control: new SharedArrayBuffer(controlBytes(plans.length)),
  };
  const workers = await Promise.all(starts.slice(1).map((start) => startWorker({ common, start })));
  const decides = partnership ?? new AdaptivePartnership(cpus().length - starts.length, watchOtherPrograms);
  return new ThreadedTrainer(starts, common, workers, decides, buildNanoseconds);
}

/** Returns a worker when it is ready, so that no thread waits for a worker that could not start. */
async function startWorker(start: WorkerStart): Promise<Worker> {
  const worker = new Worker(new URL('./worker.ts', import.meta.url), { workerData: start });
  await once(worker, 'message');
  // A trainer that nobody closes must not keep the process alive.
  worker.unref();
  return worker;
}

function sharedMemory(bytes: number): WebAssembly.Memory {
  const pages = Math.ceil(bytes / 65536);
  return new WebAssembly.Memory({ initial: pages, maximum: pages, shared: true });
}

/**
 * The first thread. It has the first part of every step. If training together does not pay, it sends the others away and trains
 * all parts by itself, piece by piece, so that all sums keep their order. Later it invites them again.
 */
class ThreadedTrainer implements Trainer {
  readonly buildNanoseconds?: number;
  readonly #parts: readonly Part[];
  readonly #workers: readonly Worker[];
  /** Messages between the threads: see `meeting.ts`. */
  readonly #control: Int32Array;
  readonly #losses: Float64Array;
  readonly #meeting: Meeting;
  readonly #batch: number;
  #step = 0;
  readonly #partnership: Partnership;

  constructor(
    starts: readonly PartStart[],
    common: Common,
    workers: readonly Worker[],
    partnership: Partnership,
    buildNanoseconds: number,
  ) {
    if (buildNanoseconds > 0) this.buildNanoseconds = buildNanoseconds;
    this.#parts = starts.map((start) => new Part(start, common));
    this.#workers = workers;
    this.#control = new Int32Array(common.control);
    this.#losses = new Float64Array(common.losses);
    this.#meeting = new Meeting(common.control, 0, starts.length);
    this.#batch = common.task.batch;
    this.#partnership = partnership;
    this.reset(0);
  }

  train(steps: number): Float64Array {
    const losses = this.#trainSteps(this.#step, steps);
    this.#step += steps;
    return losses;
  }

  reset(firstDocument: number): void {
    this.#step = 0;
    const [first, ...others] = this.#parts;
    first.kernel.reset(firstDocument);
    for (const { kernel } of others) kernel.resetOwn(firstDocument);
  }

  parameters(): Float64Array {
    return this.#parts[0].kernel.parameters();
  }

  gradients(): Float64Array {
    return this.#parts[0].kernel.gradientsOf(() => this.#trainSteps(this.#step, 1));
  }

  close(): void {
    for (const worker of this.#workers) void worker.terminate();
  }

  #trainSteps(firstStep: number, steps: number): Float64Array {
    const end = firstStep + steps;
    const losses = new Float64Array(steps);
    let invited = false;
    this.#partnership.begins();
    let began = performance.now();
    for (let step = firstStep; step < end; step++) {
      const together = this.#partnership.mode === 'together';
      if (together && !invited) this.#invite(step, end);
      if (!together && invited) this.#sendAway();
      if (together || invited) this.#meeting.meet();
      invited = together;
      if (together) this.#trainPart(step);
      else this.#trainAlone(step);
      losses[step - firstStep] = this.#losses.reduce((sum, loss) => sum + loss, 0) / this.#batch;
      const now = performance.now();
      this.#partnership.trained(now - began);
      began = now;
    }
    // Wait until the others have written their last results.
    if (invited) this.#meeting.meet();
    this.#partnership.ends();
    return losses;
  }

  #trainPart(step: number): void {
    for (const [i, run] of this.#parts[0].pieces(step).entries()) {
      if (i > 0) this.#meeting.meet();
      run();
    }
  }

  #trainAlone(step: number): void {
    const pieces = this.#parts.map((part) => part.pieces(step));
    for (const i of pieces[0].keys()) for (const own of pieces) own[i]();
  }

  #invite(step: number, end: number): void {
    const control = this.#control;
    Atomics.store(control, firstStepSlot, step);
    Atomics.store(control, endStepSlot, end);
    Atomics.store(control, firstDocumentSlot, this.#parts[0].kernel.firstDocument);
    Atomics.add(control, turnSlot, 1);
    Atomics.notify(control, turnSlot);
  }

  /** Takes effect at the next meeting. */
  #sendAway(): void {
    Atomics.store(this.#control, endedTurnSlot, Atomics.load(this.#control, turnSlot));
  }
}
