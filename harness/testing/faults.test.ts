import { describe, expect, test } from 'vitest';
import type { Precision } from '../program/manifest.ts';
import { gauntletTasks } from '../task/gauntlet.ts';
import { prepareTask } from '../task/prepare-task.ts';
import { presets, type Sizes, taskDefaults } from '../task/presets.ts';
import { forceSteps } from '../verify/force-steps.ts';
import { type GauntletVerdict, runGauntlet } from '../verify/run-gauntlet.ts';
import { Teacher } from '../verify/teacher.ts';
import { type Arithmetic, float32, float64, rightArithmetics } from './arithmetic.ts';
import { type Fault, faults } from './faults.ts';
import { createPlainTrainer } from './plain-trainer.ts';
import { stepwise } from './stepwise.ts';

const SEED = 20261124;

const tasksOf = new Map([SEED, 1, 2].map((seed) => [seed, gauntletTasks(seed)]));

const gauntlet = (seed: number, arithmetic: Arithmetic, wrong: readonly Fault[] = []): Promise<GauntletVerdict> =>
  runGauntlet(
    async ({ training }) => stepwise(createPlainTrainer(training, arithmetic, wrong)),
    tasksOf.get(seed) ?? [],
    arithmetic.precision,
    () => false,
  );

/** What a float32 row may do: it is what float32 means, or below what its rounding makes. */
const allowedInFloat32: readonly Fault[] = ['losses are shown as float32', 'parameters are in float32'];

describe.each([float64, float32])('the gauntlet refuses, in $name,', (arithmetic) => {
  test.each(faults)('%s', async (fault) => {
    const isAllowed = arithmetic.precision === 'float32' && allowedInFloat32.includes(fault);
    expect((await gauntlet(SEED, arithmetic, [fault])).status).toBe(isAllowed ? 'passed' : 'failed');
  });
});

test.each(rightArithmetics)('the gauntlet lets $name pass', async (arithmetic) => {
  for (const seed of [SEED, 1, 2]) expect(await gauntlet(seed, arithmetic)).toMatchObject({ status: 'passed' });
});

const wide: Sizes = { ...presets.d128, nHead: 8 };

/** Faults that names at the original's size, one a step, show within a few steps; others are for the gauntlet. */
const everywhere: readonly Fault[] = [
  'earlier keys get no gradient',
  'softmax backward without its mean',
  'backward forgets the residual around attention',
  "rmsnorm's scale is taken for a constant",
  'plain gradient descent from step 2 on',
  'lm_head learns from the gradient of the step before',
  'β2 is 0.989',
  'bias correction is one step ahead',
  'the rate decays one step early',
  'the rate is 0.1% too large',
  'rows of wte that no token chose are left out',
  'weights decay beside Adam',
  'the last head gets no gradient',
  'parameters are in bfloat16',
];

describe.each([
  ['d16', presets.d16, 8],
  ['d128 with 8 heads', wide, 3],
] as const)('single steps of %s', async (_, sizes, steps) => {
  const { training } = await prepareTask({ ...taskDefaults, ...sizes });
  const force = (arithmetic: Arithmetic, wrong: readonly Fault[]) =>
    forceSteps(
      stepwise(createPlainTrainer(training, arithmetic, wrong)),
      new Teacher(training, arithmetic.precision),
      steps,
    );

  test.each<Precision>(['float64', 'float32'])('that are right in %s are right', async (precision) => {
    const { wrong, fractionOfBound } = await force(precision === 'float64' ? float64 : float32, []);
    expect(wrong).toBeUndefined();
    expect(fractionOfBound).toBeLessThan(0.6);
  });

  // What exceeds the bound of float32 exceeds that of float64 too.
  test.each(everywhere)('show %s, in float32 already', async (fault) => {
    expect((await force(float32, [fault])).wrong).toBeDefined();
  });
});
