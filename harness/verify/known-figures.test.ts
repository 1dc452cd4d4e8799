import { existsSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { UnsupportedTask } from '../../impls/contract.ts';
import { discoverImplementations, type Implementation, isBroken } from '../program/discover.ts';
import { startTrainer } from '../program/trainer-process.ts';
import { namedDatasets } from '../task/dataset.ts';
import { prepareTask } from '../task/prepare-task.ts';
import { presets, taskDefaults } from '../task/presets.ts';
import { drawSamples } from '../task/sample.ts';
import { baseTolerance } from './gate.ts';
import { findGolden } from './golden.ts';

const missing = existsSync(namedDatasets.names.path) ? '' : ' (skipped: no names.txt; fetch it with `npm run data`)';

const TIMEOUT_MILLISECONDS = 180_000;

describe.skipIf(missing !== '')(`1,000 steps on the data set of the original${missing}`, async () => {
  for (const implementation of await hostedImplementations()) {
    const { precision } = implementation.manifest;
    const promise = precision === 'float64' ? ', and invents the same 20 names' : '';
    it(`${implementation.name} loses what the reference loses${promise}`, {
      timeout: TIMEOUT_MILLISECONDS,
    }, async (test) => {
      const task = await prepareTask({ ...taskDefaults, ...presets.d16, dataset: 'names' });
      const golden = await findGolden(task.description);
      if (golden === undefined) throw new Error(`no golden trace of d16 on names`);

      const trainer = await startTrainer(implementation, task).catch((error: unknown) => {
        if (error instanceof UnsupportedTask) return test.skip(error.message);
        throw error;
      });
      try {
        const { losses } = await trainer.train(task.training.numSteps);
        expect(losses).toHaveLength(golden.losses.length);
        const errors = golden.losses.map((loss, step) => Math.abs(loss - losses[step]));
        expect(Math.max(...errors)).toBeLessThan(baseTolerance[precision]);
        if (precision === 'float64') expect(drawSamples(task, await trainer.parameters())).toEqual(golden.samples);
      } finally {
        await trainer.quit();
      }
    });
  }
});

/** Those that need nothing but this project; programs in other languages are for `npm run check`. */
async function hostedImplementations(): Promise<readonly Implementation[]> {
  const hosted: Implementation[] = [];
  for (const found of await discoverImplementations()) {
    if (!isBroken(found) && 'module' in found.manifest.run) hosted.push(found);
  }
  return hosted;
}
