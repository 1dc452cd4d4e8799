import { type Trainer, type TrainingTask, UnsupportedTask } from '../contract.ts';
import { KernelInstance } from './kernel-instance.ts';
import type { KernelRequest, Stage } from './kernels/request.ts';
import type { Precision } from './kernels/vector.ts';
import { hasRelaxedSimd } from './relaxed-simd.ts';

/** The most documents side by side. With more, activations would no longer fit into the caches near the core. */
export const mostDocuments = 16;

/**
 * The kernel that a task needs.
 * @throws UnsupportedTask if features do not fill whole vectors
 */
export function kernelRequest({ model, batch }: TrainingTask, precision: Precision): KernelRequest {
  if (model.nEmbd % 4 !== 0)
    throw new UnsupportedTask(`n_embd ${model.nEmbd} is not a multiple of 4, the lanes of a SIMD vector`);
  return {
    model,
    precision,
    fused: hasRelaxedSimd(),
    documents: Math.min(batch, mostDocuments),
    stages: batch <= mostDocuments ? ['only'] : ['first', 'middle', 'last'],
  };
}

/** Documents of a batch that are trained side by side, and the stage of their gradient. */
interface Pack {
  readonly documents: readonly number[];
  readonly train: (columns: number, documents: number) => void;
}

/** Trains a task with one kernel. Parameters and moments are in WebAssembly memory; the host chooses the documents. */
export class WasmTrainer implements Trainer {
  readonly buildNanoseconds?: number;
  readonly #kernel: KernelInstance;
  readonly #batch: number;
  readonly #packs: readonly Pack[];
  #step = 0;

  constructor(task: TrainingTask, request: KernelRequest, module: WebAssembly.Module, buildNanoseconds?: number) {
    if (buildNanoseconds !== undefined) this.buildNanoseconds = buildNanoseconds;
    this.#kernel = new KernelInstance(task, request, module);
    this.#batch = task.batch;
    const packs = packsOf(Array.from({ length: task.batch }, (_, i) => i));
    this.#packs = packs.map((documents, i) => ({
      documents,
      train: this.#kernel.phases(stageOf(i, packs.length))[0],
    }));
    this.#kernel.reset(0);
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
    for (const { documents, train } of this.#packs) {
      train(this.#kernel.prepareDocuments(step, documents), documents.length);
      loss += this.#kernel.loss;
    }
    return loss / this.#batch;
  }
}

/** Splits documents into groups that fit side by side. */
export function packsOf(documents: readonly number[]): number[][] {
  const packs = Math.ceil(documents.length / mostDocuments);
  return Array.from({ length: packs }, (_, i) => documents.slice(i * mostDocuments, (i + 1) * mostDocuments));
}

function stageOf(pack: number, packs: number): Stage {
  if (packs === 1) return 'only';
  if (pack === 0) return 'first';
  return pack === packs - 1 ? 'last' : 'middle';
}
