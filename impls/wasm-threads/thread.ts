import type { TrainingTask } from '../contract.ts';
import { documentRange, KernelInstance } from '../wasm-simd/kernel-instance.ts';
import type { Division } from '../wasm-simd/kernels/division.ts';
import type { KernelRequest } from '../wasm-simd/kernels/request.ts';

/** What a thread is started with: the task, its part of the work, and the memory it shares with the others. */
export interface ThreadStart {
  readonly task: TrainingTask;
  readonly request: KernelRequest & { readonly division: Division };
  readonly module: WebAssembly.Module;
  readonly memory: WebAssembly.Memory;
  readonly control: SharedArrayBuffer;
  /** `[2][batch]` float64: the loss of each document, of even and of odd steps: one is read while the next is written. */
  readonly documentLosses: SharedArrayBuffer;
}

/** Slots of the control block, int32. `turn` is what waiting threads sleep on: it counts the commands given. */
export const slots = { turn: 0, firstStep: 1, steps: 2, firstDocument: 3 } as const;
export const controlBytes = 4 * Int32Array.BYTES_PER_ELEMENT;

/** One thread's part of every step. All threads run the same steps and meet at the kernel's barriers. */
export class TrainingThread {
  readonly kernel: KernelInstance;
  readonly #task: TrainingTask;
  readonly #division: Division;
  readonly #losses: Float64Array;
  readonly #first: (positions: number) => number;
  readonly #further: (positions: number) => number;
  readonly #barrier: () => number;
  readonly #update: () => number;

  constructor({ task, request, module, memory, documentLosses }: ThreadStart) {
    this.#task = task;
    this.#division = request.division;
    this.kernel = new KernelInstance(task, request, module, memory);
    this.#losses = new Float64Array(documentLosses);
    this.#first = this.kernel.call(request.batched ? 'first' : 'only');
    this.#further = request.batched ? this.kernel.call('middle') : this.#first;
    this.#barrier = this.kernel.call('barrier');
    this.#update = this.#ownUpdate(request);
  }

  /** The losses of a step's documents, complete once every thread has trained it. */
  lossesOf(step: number): Float64Array {
    const { batch } = this.#task;
    return this.#losses.subarray((step % 2) * batch, ((step % 2) + 1) * batch);
  }

  /** Trains this thread's part of one step. */
  trainStep(step: number): void {
    const losses = this.lossesOf(step);
    if (this.#division.thread === 0) this.kernel.prepareStep(step);
    if (this.#division.by === 'features') {
      losses[0] = this.#first(this.kernel.prepareDocument(step, 0));
      return;
    }
    for (const [order, i] of this.#ownDocuments(step).entries()) {
      const run = order === 0 ? this.#first : this.#further;
      losses[i] = run(this.kernel.prepareDocument(step, i));
    }
    this.#barrier();
    this.#update();
    this.#barrier();
  }

  #positions(step: number, i: number): number {
    const [start, end] = documentRange(this.#task, this.kernel.firstDocument + step * this.#task.batch + i);
    return end - start - 1;
  }

  /** Longest document first, each to the thread that has least to do: a division that depends on the documents alone. */
  #ownDocuments(step: number): number[] {
    const { thread, threads } = this.#division;
    const longestFirst = Array.from({ length: this.#task.batch }, (_, i) => ({
      i,
      positions: this.#positions(step, i),
    }));
    longestFirst.sort((a, b) => b.positions - a.positions || a.i - b.i);
    const load = new Array<number>(threads).fill(0);
    const own: number[] = [];
    for (const { i, positions } of longestFirst) {
      const least = load.indexOf(Math.min(...load));
      load[least] = (load[least] ?? 0) + positions;
      if (least === thread) own.push(i);
    }
    return own;
  }

  /** Adam over this thread's share of the parameters, from the gradients of all threads, added in order. */
  #ownUpdate({ precision, division }: ThreadStart['request']): () => number {
    const { layout } = this.kernel;
    const lanes = precision === 'float32' ? 4 : 2;
    const all = layout.parameterCount / lanes;
    const bound = (thread: number) => Math.round((all / division.threads) * thread);
    const from = layout.parameters + bound(division.thread) * 16;
    const vectors = bound(division.thread + 1) - bound(division.thread);
    const update = this.kernel.call('updateStored');
    return () => update(from, vectors);
  }
}
