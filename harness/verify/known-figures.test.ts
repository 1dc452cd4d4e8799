import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { UnsupportedTask } from '../../impls/contract.ts';
import { discoverImplementations, type Implementation, isBroken } from '../program/discover.ts';
import { startTrainer } from '../program/trainer-process.ts';
import { projectRoot } from '../project.ts';
import { prepareTask } from '../task/prepare-task.ts';
import { presets, taskDefaults } from '../task/presets.ts';
import { drawSamples } from '../task/sample.ts';
import { baseTolerance } from './gate.ts';
import { findGolden } from './golden.ts';

const originalData = join(projectRoot, '../shared/data/names.txt');
const data = existsSync(originalData)
  ? { dataset: originalData, title: 'the data set of the original' }
  : { dataset: 'us-names-2016', title: 'the embedded data set, since ../shared/data/names.txt is missing' };

const TIMEOUT_MILLISECONDS = 180_000;

describe(`1,000 steps on ${data.title}`, async () => {
  for (const implementation of await hostedImplementations()) {
    const { precision } = implementation.manifest;
    const promise = precision === 'float64' ? ', and invents the same 20 names' : '';
    it(`${implementation.name} loses what the reference loses${promise}`, {
      timeout: TIMEOUT_MILLISECONDS,
    }, async (test) => {
      const task = await prepareTask({ ...taskDefaults, ...presets.d16, dataset: data.dataset });
      const golden = await findGolden(task.description);
      if (golden === undefined) throw new Error(`no golden trace of d16 on ${data.dataset}`);

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
