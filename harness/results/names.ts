import { taskDefaults } from '../task/presets.ts';
import type { TaskDescription } from '../task/task.ts';
import type { Machine } from './schema.ts';

interface RowKey {
  readonly implementation: string;
  readonly runtime?: string | undefined;
}

/** `wasm-simd`, or `wasm-simd (bun)` if several runtimes ran. */
export function rowName({ implementation, runtime }: RowKey): string {
  return runtime === undefined ? implementation : `${implementation} (${runtime})`;
}

/** `d16`, or the sizes if no preset has them. */
export function sizesName(task: TaskDescription): string {
  return (
    task.preset ??
    `n_embd ${task.nEmbd}, n_head ${task.nHead}, n_layer ${task.nLayer}, block_size ${task.blockSize}, batch ${task.batch}`
  );
}

/**
 * `d16, us-names-2016`, with seed, schedule and learning rate if they are not the original's. Figures of different tasks never
 * share a name.
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

/** What other tools file a figure under: `wasm-simd [d16, us-names-2016]`. */
export function benchmarkName(task: TaskDescription, row: RowKey): string {
  return `${rowName(row)} [${taskName(task)}]`;
}

/** What changes the meaning of a figure; the preset's name does not. */
const sizes = ['nEmbd', 'nHead', 'nLayer', 'blockSize', 'vocabSize', 'batch'] as const;
const decisive = [...sizes, 'seed', 'numSteps', 'learningRate'] as const;

/** Why the figures of two tasks cannot be compared, in a few words; undefined if they can. */
export function taskDifference(a: TaskDescription, b: TaskDescription): string | undefined {
  if (a.dataset.sha256 !== b.dataset.sha256) return `other data set (${a.dataset.name} and ${b.dataset.name})`;
  const field = decisive.find((name) => a[name] !== b[name]);
  return field === undefined ? undefined : `other ${field} (${a[field]} and ${b[field]})`;
}

/** The same for tasks whose figures may be compared. */
export function taskKey(task: TaskDescription): string {
  return [task.dataset.sha256.slice(0, 12), ...decisive.map((name) => task[name])].join('/');
}

/** Operating system and processor, `linux AMD EPYC`, without the words that all processors' names share. */
export function machineLabel({ platform, cpu }: Pick<Machine, 'platform' | 'cpu'>): string {
  const name = cpu
    .replaceAll(/\((?:R|TM|C)\)/gi, '')
    .replace(/ (?:CPU|Processor|with .*|@ .*|\d+-Core .*).*$/i, '')
    .replaceAll(/\s+/g, ' ')
    .trim();
  return `${platform} ${name}`;
}
