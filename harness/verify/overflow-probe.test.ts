import { describe, expect, test } from 'vitest';
import { prepareTask } from '../task/prepare-task.ts';
import { presets, taskDefaults } from '../task/presets.ts';
import type { PreparedTask } from '../task/task.ts';
import { smallTask } from '../testing/small-task.ts';
import { describeOverflow, overflowProbe } from './overflow-probe.ts';
import { RulesTrainer } from './rules-trainer.ts';
import { correctRules } from './training-rules.ts';

const careless = { ...correctRules, softmaxSubtractsMaximum: false };

function judgeProbe(task: PreparedTask): void {
  const probe = overflowProbe(task);
  const overflown = describeOverflow(probe, new RulesTrainer(probe.training, careless).step());
  expect(overflown?.reason).toMatch(/came one that is not finite/);
  expect(overflown?.diagnosis.join()).toMatch(/does not subtract the maximum/);
  expect(describeOverflow(probe, new RulesTrainer(probe.training).step())).toBeUndefined();
}

describe('a softmax that does not subtract the maximum overflows on the probe, a careful one does not', () => {
  test.each(Object.entries(presets))('%s', async (_, sizes) => {
    judgeProbe(await prepareTask({ ...taskDefaults, ...sizes }));
  });

  test.each([
    ['2 layers of 32', { nEmbd: 32, nHead: 4, nLayer: 2, blockSize: 16, batch: 1 }],
    ['3 heads of 8', { nEmbd: 24, nHead: 3, nLayer: 1, blockSize: 8, batch: 1 }],
    ['1 head, 3 layers', { nEmbd: 16, nHead: 1, nLayer: 3, blockSize: 12, batch: 1 }],
  ])('%s', async (_, sizes) => {
    judgeProbe(await prepareTask({ ...taskDefaults, ...sizes }));
  });

  test('the smallest task', () => judgeProbe(smallTask()));
});

test('the attention scores alone overflow a careless softmax', () => {
  const { training } = overflowProbe(smallTask());
  const withoutHead = training.parameters.slice();
  const lmHead = (training.model.vocabSize + training.model.blockSize) * training.model.nEmbd;
  withoutHead.fill(0, lmHead, lmHead + training.model.vocabSize * training.model.nEmbd);
  expect(new RulesTrainer(training, careless, withoutHead).step()).toBeNaN();
});
