import type { BenchResult } from './schema.ts';

type TaskField = keyof BenchResult['task'];

/** Fields of a task that change what a figure means; the preset's name does not. */
const decisive: readonly TaskField[] = [
  'nEmbd',
  'nHead',
  'nLayer',
  'blockSize',
  'vocabSize',
  'batch',
  'seed',
  'numSteps',
  'learningRate',
];

/** Why the figures of two tasks say nothing about each other, in a few words; undefined where they do. */
export function taskDifference(a: BenchResult['task'], b: BenchResult['task']): string | undefined {
  if (a.dataset.sha256 !== b.dataset.sha256) return `other data set (${a.dataset.name} and ${b.dataset.name})`;
  const field = decisive.find((name) => a[name] !== b[name]);
  return field === undefined ? undefined : `other ${field} (${String(a[field])} and ${String(b[field])})`;
}

/** The same text for tasks whose figures may be compared: what history is sorted by. */
export function taskKey(task: BenchResult['task']): string {
  return [task.dataset.sha256.slice(0, 12), ...decisive.map((name) => task[name])].join('/');
}
