import type { DatasetName } from './dataset.ts';
import type { TaskRequest } from './task.ts';

export type Sizes = Pick<TaskRequest, 'nEmbd' | 'nHead' | 'nLayer' | 'blockSize' | 'batch'>;

/** d16 is the original; the others widen it, or train on 16 documents a step. */
export const presets = {
  d16: sizes(16, 1),
  d32: sizes(32, 1),
  d64: sizes(64, 1),
  d128: sizes(128, 1),
  'd16-b16': sizes(16, 16),
  'd64-b16': sizes(64, 16),
} as const satisfies Record<string, Sizes>;

export type PresetName = keyof typeof presets;

/** The original's, for everything that a preset does not fix. */
export const taskDefaults = {
  preset: 'd16',
  dataset: 'us-names-2016',
  seed: 42,
  numSteps: 1000,
  learningRate: 0.01,
} as const;

/** What `npm run golden` records, and how many of the 1,000 steps: fewer where the reference is slower. */
export const goldenRuns: readonly { preset: PresetName; dataset: DatasetName; steps: number }[] = [
  { preset: 'd16', dataset: 'us-names-2016', steps: 1000 },
  { preset: 'd16', dataset: 'names', steps: 1000 },
  { preset: 'd32', dataset: 'us-names-2016', steps: 300 },
  { preset: 'd64', dataset: 'us-names-2016', steps: 100 },
  { preset: 'd128', dataset: 'us-names-2016', steps: 30 },
  { preset: 'd16-b16', dataset: 'us-names-2016', steps: 200 },
  { preset: 'd64-b16', dataset: 'us-names-2016', steps: 20 },
];

export function isPresetName(name: string): name is PresetName {
  return Object.hasOwn(presets, name);
}

function sizes(nEmbd: number, batch: number): Sizes {
  return { nEmbd, nHead: 4, nLayer: 1, blockSize: 16, batch };
}
