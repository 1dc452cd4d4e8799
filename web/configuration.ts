import { isPresetName, type PresetName, taskDefaults } from '../harness/task/presets.ts';

/** What a link to the page can set. */
export interface Configuration {
  readonly preset: PresetName;
  readonly steps: number;
}

export const stepLimits = { least: 10, most: 5000 } as const;

/** Reads the part of an address after #. What is missing or makes no sense gets its default. */
export function configurationOf(hash: string): Configuration {
  const words = new URLSearchParams(hash.replace(/^#/, ''));
  const preset = words.get('preset') ?? '';
  return {
    preset: isPresetName(preset) ? preset : taskDefaults.preset,
    steps: stepsOf(words.get('steps') ?? '') ?? taskDefaults.numSteps,
  };
}

/** Undefined if the text is no number of steps that can be raced. */
export function stepsOf(text: string): number | undefined {
  const steps = /^\d{1,4}$/.test(text.trim()) ? Number(text) : Number.NaN;
  return steps >= stepLimits.least && steps <= stepLimits.most ? steps : undefined;
}

export function hashOf({ preset, steps }: Configuration): string {
  return `#${new URLSearchParams({ preset, steps: String(steps) })}`;
}
