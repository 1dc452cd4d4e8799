import type { TrainingTask } from '../contract.ts';
import { adamScales, beta1, beta2 } from './kernels/adam.ts';
import type { Layout } from './kernels/layout.ts';
import { type KernelRequest, kernelLayout, type Stage } from './kernels/request.ts';
import { storageOrder } from './kernels/storage-order.ts';
import { vector } from './kernels/vector.ts';

/** A kernel with its memory, as the host sees it: it writes what a step needs, and calls the kernel. */
export class KernelInstance {
  readonly layout: Layout;
  readonly memory: WebAssembly.Memory;
  /** The first document of step 0. */
  firstDocument = 0;
  readonly #task: TrainingTask;
  readonly #exports: WebAssembly.Exports;
  readonly #order: Int32Array;
  /** The start parameters as the kernel stores them: `reset` only copies. */
  readonly #start: Float32Array | Float64Array;
  readonly #numbers: Float32Array | Float64Array;
  readonly #integers: Int32Array;
  readonly #float64: Float64Array;
  readonly #floor: number;
  /** A column, shifted right by this, is the index of its vector. */
  readonly #laneBits: number;
  /** A byte address, shifted right by this, is an index of `#numbers`. */
  readonly #shift: number;

  /** @param sharedMemory of several kernels */
  constructor(
    task: TrainingTask,
    request: KernelRequest,
    module: WebAssembly.Module,
    sharedMemory?: WebAssembly.Memory,
  ) {
    this.#task = task;
    this.layout = kernelLayout(request);
    this.#order = storageOrder(task.model);
    const start = Float64Array.from(this.#order, (i) => task.parameters[i]);
    this.#start = request.precision === 'float32' ? new Float32Array(start) : start;
    const imports = sharedMemory === undefined ? {} : { host: { memory: sharedMemory } };
    this.#exports = new WebAssembly.Instance(module, imports).exports;
    const memory = sharedMemory ?? Reflect.get(this.#exports, 'memory');
    if (!(memory instanceof WebAssembly.Memory)) throw new TypeError('the kernel exports no memory');
    this.memory = memory;
    this.#numbers = request.precision === 'float32' ? new Float32Array(memory.buffer) : new Float64Array(memory.buffer);
    this.#integers = new Int32Array(memory.buffer);
    this.#float64 = new Float64Array(memory.buffer);
    this.#shift = Math.log2(this.#numbers.BYTES_PER_ELEMENT);
    const { floor, lanes } = vector(request.precision, request.fused);
    this.#floor = floor;
    this.#laneBits = Math.log2(lanes);
  }

  /** The phases of a stage, in order. Each takes the number of columns and of documents. */
  phases(stage: Stage): ((columns: number, documents: number) => void)[] {
    const names = Object.keys(this.#exports).filter((name) => name.startsWith(`${stage}.`));
    return names.map((_, phase) => this.call(`${stage}.${phase}`));
  }

  call(name: string): (a: number, b: number) => void {
    const run = this.#exports[name];
    if (typeof run !== 'function') throw new TypeError(`the kernel exports no function ${name}`);
    // Each gets its own arrow function, so that each call site sees only one function.
    return (a, b) => run(a, b);
  }

  /** Removes everything that was trained before. */
  clear(): void {
    const { own, beta1: first, beta2: second, floor } = this.layout;
    this.#float64.fill(0, own.address / 8, (own.address + own.bytes) / 8);
    this.#write(first, beta1);
    this.#write(second, beta2);
    this.#write(floor, this.#floor);
  }

  /** Sets start parameters and empty moments. Step 0 begins with `firstDocument`. */
  reset(firstDocument: number): void {
    this.resetOwn(firstDocument);
    this.#area(this.layout.toFirstMoment).fill(0);
    this.#area(this.layout.toSecondMoment).fill(0);
    this.#area(0).set(this.#start);
  }

  /** As `reset`, where another kernel resets the parameters and moments that both share. */
  resetOwn(firstDocument: number): void {
    this.firstDocument = firstDocument;
    this.clear();
  }

  parameters(): Float64Array {
    return this.#inTaskOrder(this.#area(0));
  }

  /** The gradient that `step` computes, read from the first moment of an Adam that starts empty. Changes nothing. */
  gradientsOf(step: () => void): Float64Array {
    const areas = [0, this.layout.toFirstMoment, this.layout.toSecondMoment].map((distance) => this.#area(distance));
    const before = areas.map((area) => area.slice());
    areas[1].fill(0);
    step();
    const gradients = this.#inTaskOrder(areas[1]);
    for (const [i, area] of areas.entries()) area.set(before[i]);
    return gradients;
  }

  /** Writes what Adam needs for a step, counted from 0. */
  prepareStep(step: number): void {
    const { learningRate, numSteps } = this.#task;
    const { rate, epsilon } = adamScales(learningRate * (1 - step / numSteps), step + 1);
    this.#write(this.layout.rate, rate);
    this.#write(this.layout.epsilon, epsilon);
  }

  /** Writes these documents of a step's batch, side by side; returns how many columns they take. */
  prepareDocuments(step: number, batchIndexes: readonly number[]): number {
    const { tokens, batch, model } = this.#task;
    const { documents, tokenRows, positionRows, targets, lossScale, parameters, wpe, logits, noTile } = this.layout;
    const { strideBytes, recordBytes } = this.layout;
    const laneBits = this.#laneBits;
    const elementBytes = 1 << this.#shift;
    const rowBytes = model.nEmbd * elementBytes;
    const integers = this.#integers;
    let column = 0;
    for (let i = 0; i < batchIndexes.length; i++) {
      const [start, end] = documentRange(this.#task, this.firstDocument, step, batchIndexes[i]);
      const positions = end - start - 1;
      const scale = 1 / (positions * batch);
      integers[(documents >> 2) + 2 * i] = column * elementBytes;
      integers[(documents >> 2) + 2 * i + 1] = positions;
      for (let t = 0; t < positions; t++, column++) {
        integers[(tokenRows >> 2) + column] = parameters + tokens[start + t] * rowBytes;
        integers[(positionRows >> 2) + column] = wpe + t * rowBytes;
        const logit = logits + (column >> laneBits) * recordBytes + (column % (1 << laneBits)) * elementBytes;
        integers[(targets >> 2) + column] = logit + tokens[start + t + 1] * strideBytes;
        this.#numbers[(lossScale >> this.#shift) + column] = scale;
      }
    }
    for (let padding = column; padding % (1 << laneBits) !== 0; padding++) {
      integers[(tokenRows >> 2) + padding] = noTile;
      integers[(positionRows >> 2) + padding] = noTile;
      this.#numbers[(lossScale >> this.#shift) + padding] = 0;
    }
    return column;
  }

  /** The sum of the losses of the last documents. */
  get loss(): number {
    return this.#float64[this.layout.loss >> 3];
  }

  #inTaskOrder(stored: Float32Array | Float64Array): Float64Array {
    const numbers = new Float64Array(stored.length);
    for (const [i, place] of this.#order.entries()) numbers[place] = stored[i];
    return numbers;
  }

  #write(address: number, value: number): void {
    this.#numbers[address >> this.#shift] = value;
  }

  /** The parameters, or the array of the same length that lies `distanceBytes` after them. */
  #area(distanceBytes: number): Float32Array | Float64Array {
    const start = (this.layout.parameters + distanceBytes) >> this.#shift;
    return this.#numbers.subarray(start, start + this.layout.parameterCount);
  }
}

/** Where document `i` of a step's batch begins and ends in the task's tokens, after a reset to `firstDocument`. */
export function documentRange(
  { offsets, batch }: TrainingTask,
  firstDocument: number,
  step: number,
  i: number,
): [start: number, end: number] {
  const document = (firstDocument + step * batch + i) % (offsets.length - 1);
  return [offsets[document], offsets[document + 1]];
}
