import { taskDefaults } from '../task/presets.ts';
import type { BenchResult } from './schema.ts';

type TaskDescription = BenchResult['task'];

/** What names a row: its implementation, and its runtime where several were asked for. */
export interface RowKey {
  readonly implementation: string;
  readonly runtime?: string | undefined;
}

/** `wasm-simd`, or `wasm-simd (bun)` where several runtimes ran. */
export function rowName({ implementation, runtime }: RowKey): string {
  return runtime === undefined ? implementation : `${implementation} (${runtime})`;
}

/** `d16`, or the sizes where no preset has them. */
export function sizesName(task: TaskDescription): string {
  return (
    task.preset ??
    `n_embd ${task.nEmbd}, n_head ${task.nHead}, n_layer ${task.nLayer}, block_size ${task.blockSize}, batch ${task.batch}`
  );
}

/**
 * The task in a few words: `d16, us-names-2016`, and seed, schedule and learning rate where they are not the original's.
 * Figures of different tasks never share a name.
 */
export function taskName(task: TaskDescription): string {
  return [
    sizesName(task),
    task.dataset.name,
    ...(task.seed === taskDefaults.seed ? [] : [`seed ${task.seed}`]),
    ...(task.numSteps === taskDefaults.numSteps ? [] : [`${task.numSteps} steps`]),
    ...(task.learningRate === taskDefaults.learningRate ? [] : [`learning rate ${task.learningRate}`]),
  ].join(', ');
}

/** What other tools file a figure under, the same in every run of the same task: `wasm-simd [d16, us-names-2016]`. */
export function benchmarkName(task: TaskDescription, row: RowKey): string {
  return `${rowName(row)} [${taskName(task)}]`;
}
