import { type Trainer, type TrainingTask, UnsupportedTask } from '../contract.ts';
import { loadKernel } from './kernel-cache.ts';
import { KernelInstance } from './kernel-instance.ts';
import type { KernelRequest, Stage } from './kernels/request.ts';
import type { Precision } from './kernels/vector.ts';
import { hasRelaxedSimd } from './relaxed-simd.ts';

/**
 * What kernel a task wants.
 * @throws UnsupportedTask where features do not fill whole vectors
 */
export function kernelRequest({ model, batch }: TrainingTask, precision: Precision): KernelRequest {
  if (model.nEmbd % 4 !== 0)
    throw new UnsupportedTask(`n_embd ${model.nEmbd} is not a multiple of 4, the lanes of a SIMD vector`);
  return { model, precision, batched: batch > 1, fused: hasRelaxedSimd() };
}

/** The kernels at work on a task: parameters and moments live in WebAssembly memory, the host feeds documents. */
export async function createWasmTrainer(task: TrainingTask, precision: Precision): Promise<Trainer> {
  const request = kernelRequest(task, precision);
  const { module, buildNanoseconds } = await loadKernel(request);
  return new WasmTrainer(task, new KernelInstance(task, request, module), buildNanoseconds);
}

class WasmTrainer implements Trainer {
  readonly buildNanoseconds?: number;
  readonly #kernel: KernelInstance;
  readonly #documentStages: ((positions: number) => number)[];
  #step = 0;

  constructor(task: TrainingTask, kernel: KernelInstance, buildNanoseconds: number | undefined) {
    if (buildNanoseconds !== undefined) this.buildNanoseconds = buildNanoseconds;
    this.#kernel = kernel;
    this.#documentStages = Array.from({ length: task.batch }, (_, i) => kernel.call(stageOf(i, task.batch)));
    kernel.reset(0);
  }

  train(steps: number): Float64Array {
    const losses = new Float64Array(steps);
    for (let i = 0; i < steps; i++) losses[i] = this.#trainStep(this.#step++);
    return losses;
  }

  reset(firstDocument: number): void {
    this.#step = 0;
    this.#kernel.reset(firstDocument);
  }

  parameters(): Float64Array {
    return this.#kernel.parameters();
  }

  gradients(): Float64Array {
    return this.#kernel.gradientsOf(() => this.#trainStep(this.#step));
  }

  #trainStep(step: number): number {
    this.#kernel.prepareStep(step);
    let loss = 0;
    for (const [i, run] of this.#documentStages.entries()) loss += run(this.#kernel.prepareDocument(step, i));
    return loss / this.#documentStages.length;
  }
}

function stageOf(document: number, batch: number): Stage {
  if (batch === 1) return 'only';
  if (document === 0) return 'first';
  return document === batch - 1 ? 'last' : 'middle';
}
