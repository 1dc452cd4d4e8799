import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { rulesTrainer } from '../diagnose/rules-trainer.ts';
import { discoverImplementations, type Implementation, isBroken } from '../program/discover.ts';
import { neededToolSchema } from '../program/manifest.ts';
import { rolesOf, withRole } from '../program/roles.ts';
import { prepareTask } from '../task/prepare-task.ts';
import { presets, taskDefaults } from '../task/presets.ts';
import { mutants, plantMutants } from '../testing/mutants.ts';
import { UsageError } from '../usage-error.ts';
import { affordableSteps, expectationOf, referenceTrace, stepsTogether } from './expectation.ts';

const all = await discoverImplementations();
const whole = all.flatMap((found) => (isBroken(found) ? [] : [found]));
const d16 = await prepareTask({ ...taskDefaults, preset: 'd16', ...presets.d16 });
const d128 = await prepareTask({ ...taskDefaults, preset: 'd128', ...presets.d128 });
const odd = await prepareTask({ ...taskDefaults, seed: 7, nEmbd: 12, nHead: 3, nLayer: 1, blockSize: 5, batch: 1 });

describe('two right trainers stay together', () => {
  test("at the original's size for all 1,000 steps, in either precision", async () => {
    const { calmSteps, reference } = await expectationOf(d16, all);
    expect(calmSteps).toBe(1000);
    expect(stepsTogether(d16.training, reference.losses, 'float32')).toBe(1000);
  });

  test('at d128 for a few steps in float32, until rounding has grown', async () => {
    const { calmSteps, reference } = await expectationOf(d128, all);
    const inFloat32 = stepsTogether(d128.training, reference.losses, 'float32');
    expect(calmSteps).toBeGreaterThan(inFloat32);
    expect(inFloat32).toBeGreaterThanOrEqual(1);
    expect(inFloat32).toBeLessThan(20);
  });
});

describe('the reference', () => {
  test('is the golden trace where one fits, as far as it is asked for', async () => {
    const { source, losses } = await referenceTrace(d16, [], { steps: 3 });
    expect(source).toBe('golden');
    expect(losses).toHaveLength(3);
    expect((await referenceTrace(d16, [])).losses).toHaveLength(1000);
  });

  test('is run on the spot for any other size: the first reference that can run here', async () => {
    const lacking = whole.flatMap((found) =>
      rolesOf(found).includes('reference') && found.manifest.needs.length > 0
        ? [
            {
              ...found,
              manifest: { ...found.manifest, needs: [neededToolSchema.parse({ program: 'no-such-program' })] },
            },
          ]
        : [found],
    );
    const { source, losses } = await referenceTrace(odd, lacking, { steps: 4 });
    const needless = withRole(all, 'reference').find(({ manifest }) => manifest.needs.length === 0);
    expect(source).toBe(needless?.name);
    const model = rulesTrainer(odd.training);
    for (const loss of losses) expect(Math.abs(loss - model.step())).toBeLessThan(1e-12);
  });

  test('is remembered, and found again when fewer steps are asked for', async () => {
    const first = await referenceTrace(odd, all, { steps: 4 });
    const started: number[] = [];
    const again = await referenceTrace(odd, all, { steps: 3, onProgress: (done) => started.push(done) });
    expect(again.losses).toEqual(first.losses.subarray(0, 3));
    expect(started).toEqual([]);
  });

  test('that is wrong, or breaks, is left out with a warning, and the next one is taken', async () => {
    const { implementations, remove } = await plantMutants(mutants.filter(({ name }) => name === 'betas-swapped'));
    // Of a task that no right reference has trained before, for its losses would be remembered.
    const untrained = await prepareTask({ ...odd.description, dataset: taskDefaults.dataset, learningRate: 0.0123 });
    const references = withRole(all, 'reference');
    const [right] = references.filter(({ manifest }) => manifest.needs.length === 0);
    const [first, second] = references.filter((reference) => reference !== right);
    // Roles belong to folders of the project: a mutant has to run in the place of one that has it.
    const [mutant] = implementations;
    const inPlaceOf = (reference: Implementation, run: Implementation['manifest']['run']): Implementation => ({
      ...reference,
      manifest: { ...mutant.manifest, run },
    });
    const wrong = inPlaceOf(first, { module: join(mutant.folder, 'analytic.ts') });
    const broken = inPlaceOf(second, { command: [process.execPath, '--eval', 'process.exit(3)'] });
    const { reference, warnings } = await expectationOf(untrained, [wrong, broken, right], { steps: 4 });
    expect(reference.source).toBe(right.name);
    expect(warnings).toEqual([
      expect.stringMatching(/^the reference \S+ is wrong, so it was left out: step \d/),
      expect.stringMatching(/^the reference \S+ broke, so it was left out: .*exit code/),
    ]);
    await expect(expectationOf(untrained, [wrong, broken], { steps: 4 })).rejects.toThrow(UsageError);
    await remove();
  });

  test('cannot be had where nothing has the role: bad input', async () => {
    await expect(referenceTrace(odd, [])).rejects.toThrow(UsageError);
    await expect(referenceTrace(odd, all, { steps: 1001 })).rejects.toThrow(/at most --num-steps, 1000/);
  });

  test('takes the same number of steps everywhere: fewer for larger models, a few at least', () => {
    expect(affordableSteps(d16)).toBeGreaterThan(10);
    expect(affordableSteps(d128)).toBe(4);
  });
});
