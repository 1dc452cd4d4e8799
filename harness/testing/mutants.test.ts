import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { discoverImplementations, type Implementation } from '../program/discover.ts';
import { prepareTask } from '../task/prepare-task.ts';
import { presets, taskDefaults } from '../task/presets.ts';
import { type Expectation, expectationOf } from '../verify/expectation.ts';
import { verifyImplementation } from '../verify/verify-implementation.ts';
import { mutants, plantMutants } from './mutants.ts';

const STEPS = 12;

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
  const expectation = await expectationOf(task, await discoverImplementations(), { steps: STEPS });
  expectations.set(preset, expectation);
  return expectation;
}

describe('a fault in the analytic implementation is caught and named', () => {
  test.each(mutants)('$name', async ({ name, diagnosis }) => {
    const verification = await verifyImplementation(mutant(name), await expectationAt('d16'), { probesOverflow: true });
    expect(verification).toMatchObject({ status: 'mismatch' });
    expect('diagnosis' in verification ? verification.diagnosis.join('\n') : verification).toMatch(diagnosis);
  });
});

describe.each(['d16', 'd32', 'd64', 'd128', 'd16-b16', 'd64-b16'] as const)(
  'the loss gate alone rejects at %s',
  (preset) => {
    test.each(['no-key-value-gradient', 'bias-correction-from-0', 'bias-correction-ahead', 'untouched-rows-left-out'])(
      '%s',
      async (name) => {
        const verification = await verifyImplementation(mutant(name), await expectationAt(preset));
        expect(verification).toMatchObject({ status: 'mismatch', firstMismatch: { step: expect.any(Number) } });
      },
    );
  },
);
