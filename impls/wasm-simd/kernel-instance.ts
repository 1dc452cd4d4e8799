import type { TrainingTask } from '../contract.ts';
import { adamScales, beta1, beta2 } from './kernels/adam.ts';
import { storageOrder, undivided } from './kernels/division.ts';
import type { Layout } from './kernels/layout.ts';
import { type KernelRequest, kernelLayout, type Stage } from './kernels/request.ts';
import { vector } from './kernels/vector.ts';

/**
 * A kernel with its memory, as the host sees it: what must be written before a step and before a document, and the calls.
 * Threads have an instance each, all on one shared memory.
 */
export class KernelInstance {
  readonly layout: Layout;
  readonly memory: WebAssembly.Memory;
  readonly #task: TrainingTask;
  readonly #exports: WebAssembly.Exports;
  readonly #numbers: Float32Array | Float64Array;
  readonly #tokens: Int32Array;
  /** For each parameter in memory, which of the task's it is; undefined where both have the same order. */
  readonly #order: Int32Array | undefined;
  /** From bytes to an index of `#numbers`. */
  readonly #shift: number;
  /** Of step 0. */
  firstDocument = 0;

  constructor(task: TrainingTask, request: KernelRequest, module: WebAssembly.Module, shared?: WebAssembly.Memory) {
    this.#task = task;
    this.layout = kernelLayout(request);
    this.#order = storageOrder(task.model, request.division ?? undivided);
    this.#exports = new WebAssembly.Instance(module, shared === undefined ? {} : { host: { memory: shared } }).exports;
    const memory = shared ?? Reflect.get(this.#exports, 'memory');
    if (!(memory instanceof WebAssembly.Memory)) throw new TypeError('the kernel exports no memory');
    this.memory = memory;
    this.#numbers = request.precision === 'float32' ? new Float32Array(memory.buffer) : new Float64Array(memory.buffer);
    this.#shift = Math.log2(this.#numbers.BYTES_PER_ELEMENT);
    this.#tokens = new Int32Array(memory.buffer, this.layout.tokens, task.model.blockSize + 1);
    this.#write(this.layout.beta1, beta1);
    this.#write(this.layout.beta2, beta2);
    this.#write(this.layout.floor, vector(request.precision, request.fused).floor);
  }

  /** An exported function, whose arguments and result are numbers. */
  call(name: Stage | 'updateStored' | 'barrier'): (...args: number[]) => number {
    const run = this.#exports[name];
    if (typeof run !== 'function') throw new TypeError(`the kernel exports no function ${name}`);
    return (...args) => run(...args);
  }

  /** Start parameters, empty moments; step 0 begins with `firstDocument`. */
  reset(firstDocument: number): void {
    this.firstDocument = firstDocument;
    this.#area(this.layout.toFirstMoment).fill(0);
    this.#area(this.layout.toSecondMoment).fill(0);
    const { parameters } = this.#task;
    this.#area(0).set(this.#order === undefined ? parameters : Float64Array.from(this.#order, (i) => parameters[i]));
  }

  parameters(): Float64Array {
    return this.#inTaskOrder(this.#area(0));
  }

  /** The gradient that `step` computes, read from the first moment of an Adam that starts empty; leaves all as it was. */
  gradientsOf(step: () => void): Float64Array {
    const areas = [0, this.layout.toFirstMoment, this.layout.toSecondMoment].map((distance) => this.#area(distance));
    const before = areas.map((area) => area.slice());
    areas[1]?.fill(0);
    step();
    const gradients = this.#inTaskOrder(this.#area(this.layout.toFirstMoment));
    for (const [i, area] of areas.entries()) area.set(before[i] ?? []);
    return gradients;
  }

  /** Writes what Adam needs for a step, counted from 0. */
  prepareStep(step: number): void {
    const { learningRate, numSteps } = this.#task;
    const { rate, epsilon } = adamScales(learningRate * (1 - step / numSteps), step + 1);
    this.#write(this.layout.rate, rate);
    this.#write(this.layout.epsilon, epsilon);
  }

  /** Writes document `i` of a step's batch; returns its number of positions. */
  prepareDocument(step: number, i: number): number {
    const { tokens, batch } = this.#task;
    const [start, end] = documentRange(this.#task, this.firstDocument + step * batch + i);
    const positions = end - start - 1;
    for (let t = 0; t <= positions; t++) this.#tokens[t] = tokens[start + t] ?? 0;
    this.#write(this.layout.lossScale, 1 / (positions * batch));
    return positions;
  }

  #inTaskOrder(stored: Float32Array | Float64Array): Float64Array {
    const numbers = Float64Array.from(stored);
    for (const [i, place] of this.#order?.entries() ?? []) numbers[place] = stored[i];
    return numbers;
  }

  #write(address: number, value: number): void {
    this.#numbers[address >> this.#shift] = value;
  }

  /** Parameters, or the array of as many numbers `distanceBytes` behind them. */
  #area(distanceBytes: number): Float32Array | Float64Array {
    const start = (this.layout.parameters + distanceBytes) >> this.#shift;
    return this.#numbers.subarray(start, start + this.layout.parameterCount);
  }
}

/** Where in the task's tokens a document starts and ends, counted modulo their number. */
export function documentRange({ offsets }: TrainingTask, index: number): [start: number, end: number] {
  const document = index % (offsets.length - 1);
  return [offsets[document] ?? 0, offsets[document + 1] ?? 0];
}
