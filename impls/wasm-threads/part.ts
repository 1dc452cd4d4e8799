import type { TrainingTask } from '../contract.ts';
import { KernelInstance } from '../wasm-simd/kernel-instance.ts';
import type { Plan } from '../wasm-simd/kernels/plan.ts';
import type { KernelRequest, Stage } from '../wasm-simd/kernels/request.ts';
import { packsOf } from '../wasm-simd/trainer.ts';
import { documentsOf } from './division.ts';

/** What a part needs: its kernel, and the memory that it shares with the others. */
export interface PartStart {
  readonly request: KernelRequest & { readonly plan: Plan };
  readonly module: WebAssembly.Module;
}

/** What all parts have in common. */
export interface Common {
  readonly task: TrainingTask;
  readonly memory: WebAssembly.Memory;
  /** `[parts]` float64: for each part, the sum of the losses of its documents. */
  readonly losses: SharedArrayBuffer;
  readonly control: SharedArrayBuffer;
}

/**
 * One part of every step. Any thread may run it. A step is a series of pieces: before a piece, all parts must have ended
 * the piece before.
 */
export class Part {
  readonly kernel: KernelInstance;
  readonly #task: TrainingTask;
  readonly #plan: Plan;
  readonly #losses: Float64Array;
  readonly #phases: Partial<Record<Stage, ((columns: number, documents: number) => void)[]>> = {};
  readonly #updateOwn: () => void;
  readonly #allDocuments: readonly number[][];

  constructor({ request, module }: PartStart, { task, memory, losses }: Common) {
    this.#task = task;
    this.#plan = request.plan;
    this.kernel = new KernelInstance(task, request, module, memory);
    this.#losses = new Float64Array(losses);
    for (const stage of request.stages) this.#phases[stage] = this.kernel.phases(stage);
    this.#updateOwn = this.#update(request);
    this.#allDocuments = packsOf(Array.from({ length: task.batch }, (_, i) => i));
  }

  /** The pieces of a step, in order. */
  pieces(step: number): (() => void)[] {
    this.kernel.prepareStep(step);
    return this.#plan.share === undefined ? this.#ofDocuments(step) : this.#ofFeatures(step);
  }

  #ofFeatures(step: number): (() => void)[] {
    this.#losses[this.#plan.part] = 0;
    const packs = this.#allDocuments;
    return packs.flatMap((documents, pack) => {
      const stage = packs.length === 1 ? 'only' : pack === 0 ? 'first' : pack === packs.length - 1 ? 'last' : 'middle';
      let columns = 0;
      const phases = this.#phases[stage] ?? [];
      return phases.map((run, phase) => () => {
        if (phase === 0) columns = this.kernel.prepareDocuments(step, documents);
        run(columns, documents.length);
        // Every part has the whole loss, so only one counts it.
        if (phase === phases.length - 1 && this.#plan.part === 0) this.#losses[0] += this.kernel.loss;
      });
    });
  }

  #ofDocuments(step: number): (() => void)[] {
    const { part, parts } = this.#plan;
    const train = () => {
      this.#losses[part] = 0;
      const own = documentsOf(this.#task, this.kernel.firstDocument, step, parts)[part];
      for (const [pack, documents] of packsOf(own).entries()) {
        const [run] = this.#phases[pack === 0 ? 'first' : 'middle'] ?? [];
        run(this.kernel.prepareDocuments(step, documents), documents.length);
        this.#losses[part] += this.kernel.loss;
      }
    };
    return [train, this.#updateOwn];
  }

  /** Adam over this part's share of the parameters. It adds up the gradients of all parts, in order. */
  #update({ precision, plan: { part, parts } }: PartStart['request']): () => void {
    const { layout } = this.kernel;
    const lanes = precision === 'float32' ? 4 : 2;
    const all = layout.parameterCount / lanes;
    const bound = (of: number) => Math.round((all / parts) * of);
    const from = layout.parameters + bound(part) * 16;
    const vectors = bound(part + 1) - bound(part);
    const update = this.kernel.call('updateStored');
    return () => update(from, vectors);
  }
}
