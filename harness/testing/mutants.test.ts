import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { diagnoseMismatch } from '../diagnose/diagnose.ts';
import { discoverImplementations, type Implementation } from '../program/discover.ts';
import { prepareTask } from '../task/prepare-task.ts';
import { presets, taskDefaults } from '../task/presets.ts';
import { type Expectation, expectationOf } from '../verify/expectation.ts';
import { verifyImplementation } from '../verify/verify-implementation.ts';
import { mutants, plantMutants } from './mutants.ts';

const STEPS = 12;
const GAUNTLET_SEED = 7;

let planted: Awaited<ReturnType<typeof plantMutants>>;
const expectations = new Map<string, Expectation>();

beforeAll(async () => {
  planted = await plantMutants(mutants);
});
afterAll(() => planted.remove());

function mutant(name: string): Implementation {
  const found = planted.implementations.find((implementation) => implementation.name === name);
  if (found === undefined) throw new Error(`no mutant ${name}`);
  return found;
}

async function expectationAt(preset: keyof typeof presets): Promise<Expectation> {
  const known = expectations.get(preset);
  if (known !== undefined) return known;
  const task = await prepareTask({ ...taskDefaults, preset, ...presets[preset] });
  const expectation = await expectationOf(task, await discoverImplementations());
  expectations.set(preset, expectation);
  return expectation;
}

/** What single steps tell, whatever the size, without a random task. */
const inSingleSteps = [
  'no-key-value-gradient',
  'bias-correction-from-0',
  'bias-correction-ahead',
  'untouched-rows-left-out',
];
const differsInOneStep = { status: 'mismatch', reason: expect.stringMatching(/^step \d+: expected /) };

describe('a fault in the analytic implementation is caught and named', () => {
  test.each(mutants)('$name', async ({ name, diagnosis }) => {
    const verification = await verifyImplementation(mutant(name), await expectationAt('d16'), {
      steps: STEPS,
      gauntletSeed: GAUNTLET_SEED,
    });
    if (verification.status !== 'mismatch') throw new Error(`expected a mismatch: ${JSON.stringify(verification)}`);
    if (inSingleSteps.includes(name)) expect(verification).toMatchObject(differsInOneStep);
    expect(diagnoseMismatch(verification, 'float64').join('\n')).toMatch(diagnosis);
  });
});

test.each(inSingleSteps)('single steps alone tell at d128: %s', async (name) => {
  const verification = await verifyImplementation(mutant(name), await expectationAt('d128'), { steps: STEPS });
  expect(verification).toMatchObject(differsInOneStep);
});
