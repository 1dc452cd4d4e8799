import { expect, test } from 'vitest';
import { z } from 'zod';
import { benchResult, refusedRow, verifiedRow } from '../../testing/example-result.ts';
import { githubActionBenchmark } from './github-action-benchmark.ts';

/** What the action accepts for its custom tools (`src/extract.ts` at c38cce9), without its coercions: strict is safer. */
const actionInput = z.array(
  z.strictObject({
    name: z.string(),
    value: z.number(),
    range: z.string().optional(),
    unit: z.string(),
    extra: z.string().optional(),
  }),
);

const exported = (...args: Parameters<typeof benchResult>) =>
  actionInput.parse(JSON.parse(githubActionBenchmark(benchResult(...args))));

test('an entry holds the median in µs per document, under a name that tells the task', () => {
  expect(exported()).toEqual([
    {
      name: 'fast [d16, us-names-2016]',
      unit: 'µs/document',
      value: 50,
      range: '49.0 … 52.0',
      extra: '95% interval over 3 processes\nSome CPU, linux x64, node 26.10.0',
    },
  ]);
});

test('rows without a figure are left out, since the action would draw them', () => {
  expect(exported({ rows: [refusedRow()] })).toEqual([]);
});

test('two runtimes of one implementation have names of their own', () => {
  const rows = [verifiedRow({ runtime: 'node' }), verifiedRow({ runtime: 'bun' })];
  expect(exported({ rows }).map(({ name }) => name)).toEqual([
    'fast (node) [d16, us-names-2016]',
    'fast (bun) [d16, us-names-2016]',
  ]);
});

test('a row that never settled says so', () => {
  expect(exported({ rows: [verifiedRow({ steady: false })] })[0]?.extra).toContain('still warming up');
});

test('sizes without a preset are spelt out', () => {
  const { preset: _, ...task } = benchResult().task;
  expect(exported({ task })[0]?.name).toBe(
    'fast [n_embd 16, n_head 4, n_layer 1, block_size 16, batch 1, us-names-2016]',
  );
});

test('a single process has no range', () => {
  const [entry] = exported({ rows: [verifiedRow({ roundsMicrosecondsPerSample: [50] })] });
  expect(entry).not.toHaveProperty('range');
  expect(entry?.extra).toMatch(/^1 process\n/);
});
