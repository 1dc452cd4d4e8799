import fc from 'fast-check';
import { expect, it } from 'vitest';
import { isPresetName, presets } from '../harness/task/presets.ts';
import { configurationOf, hashOf, stepLimits, stepsOf } from './configuration.ts';

it('a link gives back what it was made from', () => {
  const steps = fc.integer({ min: stepLimits.least, max: stepLimits.most });
  const preset = fc.constantFrom(...Object.keys(presets).filter(isPresetName));
  fc.assert(
    fc.property(fc.record({ preset, steps }), (configuration) => {
      expect(configurationOf(hashOf(configuration))).toEqual(configuration);
    }),
  );
});

it.each([[''], ['#'], ['#preset=<script>&steps=-1'], ['#preset=__proto__&steps=1e3'], ['#steps=9999']])(
  'a link that makes no sense, %o, is the original’s task',
  (hash) => {
    expect(configurationOf(hash)).toEqual({ preset: 'd16', steps: 1000 });
  },
);

it.each(['', '9', '5001', '10.5', '0x20', '1e3', 'many'])('%o is no number of steps', (text) => {
  expect(stepsOf(text)).toBeUndefined();
});
