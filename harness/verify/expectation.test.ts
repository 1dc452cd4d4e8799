import { describe, expect, test } from 'vitest';
import { discoverImplementations, isBroken, withRole } from '../program/discover.ts';
import { neededToolSchema } from '../program/manifest.ts';
import { prepareTask } from '../task/prepare-task.ts';
import { presets, taskDefaults } from '../task/presets.ts';
import { mutants, plantMutants } from '../testing/mutants.ts';
import { UsageError } from '../usage-error.ts';
import { perturbParameters } from './envelope.ts';
import { type Expectation, expectationOf } from './expectation.ts';
import { affordableSteps, referenceTrace } from './reference-trace.ts';
import { RulesTrainer } from './rules-trainer.ts';

const all = await discoverImplementations();
const whole = all.flatMap((found) => (isBroken(found) ? [] : [found]));
const d16 = await prepareTask({ ...taskDefaults, preset: 'd16', ...presets.d16 });
const d128 = await prepareTask({ ...taskDefaults, preset: 'd128', ...presets.d128 });
const odd = await prepareTask({ ...taskDefaults, seed: 7, nEmbd: 12, nHead: 3, nLayer: 1, blockSize: 5, batch: 1 });

const tolerancesOf = ({ gates }: Expectation) => [gates.float64.tolerances, gates.float32.tolerances] as const;

describe('tolerances', () => {
  test("at the original's size the base alone, over all 1,000 steps", async () => {
    const [float64, float32] = tolerancesOf(await expectationOf(d16, all));
    expect(float64).toEqual(new Float64Array(1000).fill(1e-10));
    expect(float32).toEqual(new Float64Array(1000).fill(5e-6));
  });

  test('grow with rounding where training is chaotic', async () => {
    const [float64, float32] = tolerancesOf(await expectationOf(d128, all, { steps: 20 }));
    expect(float32[0]).toBe(5e-6);
    expect(float32.at(-1)).toBeGreaterThan(1e-4);
    expect(float32.length).toBeLessThan(20);
    expect(float64).toEqual(new Float64Array(20).fill(1e-10));
  });

  test('are the base where the trusted trainer is itself wrong, with a warning', async () => {
    const { implementations, remove } = await plantMutants(mutants.filter(({ name }) => name === 'betas-swapped'));
    const [wrong] = implementations;
    const trusted = { ...wrong, manifest: { ...wrong.manifest, roles: ['trusted' as const] } };
    const { gates, warnings } = await expectationOf(d128, [trusted], { steps: 20 });
    await remove();
    expect(gates.float32.tolerances).toEqual(new Float64Array(20).fill(5e-6));
    expect(warnings.join()).toMatch(/betas-swapped.* does not agree with the reference/);
  });

  test('are the base where there is no trusted trainer, with a warning', async () => {
    const { gates, warnings } = await expectationOf(d16, [], { steps: 20 });
    expect(gates.float64.tolerances).toEqual(new Float64Array(20).fill(1e-10));
    expect(warnings.join()).toMatch(/no implementation with the role "trusted"/);
  });

  test('come from start parameters moved by next to nothing, and yet moved', () => {
    const { parameters } = d16.training;
    for (const [precision, most] of [
      ['float64', 2 ** -49],
      ['float32', 2 ** -21],
    ] as const) {
      const moved = perturbParameters(parameters, precision, 1);
      expect(perturbParameters(parameters, precision, 1)).toEqual(moved);
      expect(perturbParameters(parameters, precision, 2)).not.toEqual(moved);
      const relative = moved.map((value, i) => Math.abs(value - parameters[i]) / Math.abs(parameters[i]));
      expect(Math.max(...relative)).toBeLessThanOrEqual(most);
      expect(relative.filter((by) => by > 0).length).toBeGreaterThan(parameters.length / 2);
    }
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
      found.manifest.roles.includes('reference') && found.manifest.needs.length > 0
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
    const model = new RulesTrainer(odd.training);
    for (const loss of losses) expect(Math.abs(loss - model.step())).toBeLessThan(1e-12);
  });

  test('is remembered, and found again when fewer steps are asked for', async () => {
    const first = await referenceTrace(odd, all, { steps: 4 });
    const started: number[] = [];
    const again = await referenceTrace(odd, all, { steps: 3, onProgress: (done) => started.push(done) });
    expect(again.losses).toEqual(first.losses.subarray(0, 3));
    expect(started).toEqual([]);
  });

  test('cannot be had where nothing has the role: bad input', async () => {
    await expect(referenceTrace(odd, [])).rejects.toThrow(UsageError);
    await expect(referenceTrace(odd, all, { steps: 1001 })).rejects.toThrow(/at most --num-steps, 1000/);
  });

  test('takes the same number of steps everywhere: fewer for larger models, a few at least', () => {
    expect(affordableSteps(d16)).toBeGreaterThan(30);
    expect(affordableSteps(d128)).toBe(4);
  });
});
