import { describe, expect, it } from 'vitest';
import { prepareTask } from './prepare-task.ts';
import { presets, taskDefaults } from './presets.ts';
import { drawSamples } from './sample.ts';

describe('drawSamples', () => {
  it('invents what the reference invents from the same parameters', async () => {
    const task = await prepareTask({ ...taskDefaults, ...presets.d16, nEmbd: 8, nHead: 2, nLayer: 2 });
    // Four times the start parameters, so that attention and both layers weigh in; `sample` of reference/microgpt.py drew these.
    const parameters = task.training.parameters.map((p) => 4 * p);
    const expected = [
      'cjjwvuwcywkwwawu',
      'fywynwynwetwocwm',
      'wocwvwcccykwyzwo',
      'jqnwvxokwxcwcnic',
      'cycwvwokcxccrytc',
      'wocwvcokcykwmwwo',
    ];
    expect(drawSamples(task, parameters, 6)).toEqual(expected);
    expect(drawSamples(task, parameters, 6)).toEqual(expected);
  });

  it('draws the likeliest token where the temperature is next to nothing', async () => {
    const task = await prepareTask({ ...taskDefaults, ...presets.d16 });
    expect(new Set(drawSamples(task, task.training.parameters, 5, 1e-9)).size).toBe(1);
  });
});
