import { type Trainer, type TrainingTask, UnsupportedTask } from '../contract.ts';
import { type Kernel, loadKernel } from './kernel-cache.ts';
import { adamScales, beta1, beta2 } from './kernels/adam.ts';
import type { Layout } from './kernels/layout.ts';
import { kernelLayout, type Stage, stages } from './kernels/model.ts';
import { type Precision, vector } from './kernels/vector.ts';
import { hasRelaxedSimd } from './relaxed-simd.ts';

/** The kernels at work on a task: parameters and moments live in WebAssembly memory, the host feeds documents. */
export async function createWasmTrainer(task: TrainingTask, precision: Precision): Promise<Trainer> {
  const { model } = task;
  if (model.nEmbd % 4 !== 0)
    throw new UnsupportedTask(`n_embd ${model.nEmbd} is not a multiple of 4, the lanes of a SIMD vector`);
  const request = { model, precision, batched: task.batch > 1, fused: hasRelaxedSimd() };
  return new WasmTrainer(task, precision, await loadKernel(request), kernelLayout(request));
}

class WasmTrainer implements Trainer {
  readonly buildNanoseconds?: number;
  readonly #task: TrainingTask;
  readonly #layout: Layout;
  readonly #numbers: Float32Array | Float64Array;
  readonly #tokens: Int32Array;
  readonly #stages: Readonly<Record<Stage, (positions: number) => number>>;
  #step = 0;

  constructor(task: TrainingTask, precision: Precision, kernel: Kernel, layout: Layout) {
    if (kernel.buildNanoseconds !== undefined) this.buildNanoseconds = kernel.buildNanoseconds;
    this.#task = task;
    this.#layout = layout;
    const { memory, ...functions } = new WebAssembly.Instance(kernel.module).exports;
    if (!(memory instanceof WebAssembly.Memory)) throw new TypeError('the kernel exports no memory');
    const stage = (name: Stage) => {
      const run = functions[name];
      return typeof run === 'function' ? (positions: number): number => run(positions) : missingStage;
    };
    this.#stages = { only: stage('only'), first: stage('first'), middle: stage('middle'), last: stage('last') };
    this.#numbers = precision === 'float32' ? new Float32Array(memory.buffer) : new Float64Array(memory.buffer);
    this.#tokens = new Int32Array(memory.buffer, layout.tokens, task.model.blockSize + 1);
    const constants = {
      beta1,
      beta2,
      floor: vector(precision, true).floor,
    };
    for (const name of ['beta1', 'beta2', 'floor'] as const)
      this.#numbers[layout[name] / this.#numbers.BYTES_PER_ELEMENT] = constants[name];
    this.reset();
  }

  train(steps: number): Float64Array {
    const losses = new Float64Array(steps);
    for (let i = 0; i < steps; i++) losses[i] = this.#trainStep();
    return losses;
  }

  reset(): void {
    this.#step = 0;
    this.#area(this.#layout.toFirstMoment).fill(0);
    this.#area(this.#layout.toSecondMoment).fill(0);
    this.#area(0).set(this.#task.parameters);
  }

  parameters(): Float64Array {
    return Float64Array.from(this.#area(0));
  }

  #trainStep(): number {
    const { tokens, offsets, batch, learningRate, numSteps } = this.#task;
    const { rate, epsilon: epsilonAt, lossScale } = this.#layout;
    const numbers = this.#numbers;
    const step = this.#step++;
    const size = numbers.BYTES_PER_ELEMENT;
    const scales = adamScales(learningRate * (1 - step / numSteps), step + 1);
    numbers[rate / size] = scales.rate;
    numbers[epsilonAt / size] = scales.epsilon;
    const documents = offsets.length - 1;
    let loss = 0;
    for (let i = 0; i < batch; i++) {
      const document = (step * batch + i) % documents;
      const start = offsets[document] ?? 0;
      const positions = (offsets[document + 1] ?? 0) - start - 1;
      for (let t = 0; t <= positions; t++) this.#tokens[t] = tokens[start + t] ?? 0;
      numbers[lossScale / size] = 1 / (positions * batch);
      loss += this.#stages[stageOf(i, batch)](positions);
    }
    return loss / batch;
  }

  /** Parameters, or the array of as many numbers `distanceBytes` behind them. */
  #area(distanceBytes: number): Float32Array | Float64Array {
    const start = (this.#layout.parameters + distanceBytes) / this.#numbers.BYTES_PER_ELEMENT;
    return this.#numbers.subarray(start, start + this.#layout.parameterCount);
  }
}

function stageOf(document: number, batch: number): Stage {
  if (batch === 1) return 'only';
  if (document === 0) return 'first';
  return document === batch - 1 ? 'last' : 'middle';
}

function missingStage(): never {
  throw new TypeError(`the kernel lacks a stage of ${Object.keys(stages).join(', ')}`);
}
