import { describe, expect, it } from 'vitest';
import { prepareTask } from './prepare-task.ts';
import { presets, taskDefaults } from './presets.ts';
import { drawSamples } from './sample.ts';

describe('drawSamples', () => {
  it('invents what the reference invents from the same parameters', async () => {
    const task = await prepareTask({ ...taskDefaults, ...presets.d16, nEmbd: 8, nHead: 2, nLayer: 2 });
    // python3 reference/microgpt.py reference/datasets/us-names-2016.txt --n-embd 8 --n-head 2 --n-layer 2 --steps 0 --samples 4
    const expected = ['dmhrteifzrrmoa', '', 'jzqvlvvfjbwvheqa', 'woekljacbywpy'];
    expect(drawSamples(task, task.training.parameters, 4)).toEqual(expected);
    expect(drawSamples(task, task.training.parameters, 4)).toEqual(expected);
  });

  it('draws the likeliest token where the temperature is next to nothing', async () => {
    const task = await prepareTask({ ...taskDefaults, ...presets.d16 });
    expect(new Set(drawSamples(task, task.training.parameters, 5, 1e-9)).size).toBe(1);
  });
});
