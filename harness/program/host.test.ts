import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { smallTask } from '../testing/small-task.ts';
import { startTrainer, type TrainerProcess } from './trainer-process.ts';

/** Counts steps, and tells by its losses which task it got. */
const counter = `
export default (task: { readonly parameters: Float64Array; readonly tokens: Int32Array }) => {
  console.log('a word for its author');
  let step = 0;
  return {
    train: (steps: number) => Float64Array.from({ length: steps }, () => (step++ === 2 ? NaN : step + task.tokens[1] / 10)),
    reset: () => { step = 0; },
    parameters: () => task.parameters.slice(),
    buildNanoseconds: 12,
  };
};`;

const modules: Readonly<Record<string, string>> = {
  counter,
  declines: `
    class UnsupportedTask extends Error { name = 'UnsupportedTask'; }
    export default () => { throw new UnsupportedTask('only even sizes'); };`,
  picky: `
    class UnsupportedTask extends Error { name = 'UnsupportedTask'; }
    export default async ({ batch, numSteps }: { readonly batch: number; readonly numSteps: number }) => {
      if (batch === 3) throw new UnsupportedTask('only small batches');
      if (batch === 4) throw new RangeError('broken');
      return { train: () => Float64Array.of(numSteps), reset: () => {}, parameters: () => new Float64Array(0) };
    };`,
  'no-default': 'export const createTrainer = () => {};',
  'throws-at-start': 'export default () => { throw new TypeError("no such\\nthing"); };',
  'throws-in-training': `
    export default () => ({ train() { throw new RangeError('step 0'); }, reset() {}, parameters: () => new Float64Array(1) });`,
  'syntax-error': 'export default (task) => {',
};

let folder: string;
const started: TrainerProcess[] = [];
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'microgpt-bench-'));
  for (const [name, source] of Object.entries(modules)) await writeFile(join(folder, `${name}.ts`), source);
});
afterAll(async () => {
  for (const trainer of started) await trainer.quit();
  await rm(folder, { recursive: true });
});

async function start(module: string): Promise<TrainerProcess> {
  const trainer = await startTrainer(
    {
      name: module,
      folder,
      manifest: {
        protocol: 2,
        language: 'TypeScript',
        technique: 'counts',
        precision: 'float64',
        threads: 1,
        order: 0,
        needs: [],
        run: { module: `${module}.ts` },
      },
    },
    smallTask(),
  );
  started.push(trainer);
  return trainer;
}

describe('a hosted module', () => {
  test('gets the task, and its answers arrive; what it prints for its author does not get between them', async () => {
    const trainer = await start('counter');
    const { parameters } = smallTask().training;
    expect(trainer.buildNanoseconds).toBe(12);
    expect((await trainer.train(2)).losses).toEqual(Float64Array.of(1, 2));
    expect((await trainer.train(1)).losses).toEqual(Float64Array.of(Number.NaN));
    await trainer.reset(0);
    const { losses, nanoseconds } = await trainer.train(1);
    expect(losses).toEqual(Float64Array.of(1));
    expect(nanoseconds).toBeGreaterThan(0);
    expect(await trainer.parameters()).toEqual(parameters);
    expect(await trainer.gradients()).toBeUndefined();
  });

  test('begins another task where it is told to, one it declined or broke on before too', async () => {
    const trainer = await start('picky');
    const even = smallTask();
    const other = { ...even, training: { ...even.training, numSteps: 7 } };
    expect((await trainer.train(1)).losses).toEqual(Float64Array.of(even.training.numSteps));
    const odd = { ...even, training: { ...even.training, batch: 3 } };
    await expect(trainer.take(odd)).rejects.toThrow('only small batches');
    expect(await trainer.take(other)).toBe(true);
    expect((await trainer.train(1)).losses).toEqual(Float64Array.of(7));
    expect(await trainer.take({ ...even, training: { ...even.training, batch: 4 } })).toBe(false);
    expect(await trainer.take(even)).toBe(true);
    expect((await trainer.train(1)).losses).toEqual(Float64Array.of(even.training.numSteps));
  });

  test('may decline a task', async () => {
    await expect(start('declines')).rejects.toThrow(/^only even sizes$/);
  });

  test.each([
    ['no-default', /has no default export that is a function/],
    ['throws-at-start', /TypeError: no such thing/],
    ['syntax-error', /Error/],
  ])('%s: the error is told in one line', async (module, message) => {
    await expect(start(module)).rejects.toThrow(message);
  });

  test('an exception in training is told, with its stack among what standard error said', async () => {
    const trainer = await start('throws-in-training');
    const failure = await trainer.train(1).catch((error) => error);
    expect(failure.message).toMatch(/RangeError: step 0/);
    expect(failure.stderrTail).toMatch(/throws-in-training\.ts:\d+/);
  });
});
