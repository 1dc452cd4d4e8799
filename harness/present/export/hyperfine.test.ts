import { expect, test } from 'vitest';
import { z } from 'zod';
import { benchResult, verifiedRow } from '../../testing/example-result.ts';
import { hyperfine } from './hyperfine.ts';

/** What hyperfine 1 writes (`src/benchmark/benchmark_result.rs` at 327d5f4) and what Bencher's hyperfine adapter demands of it. */
const hyperfineSummary = z.strictObject({
  results: z.array(
    z.strictObject({
      command: z.string().min(1),
      mean: z.number(),
      stddev: z.number().nullable(),
      median: z.number(),
      user: z.number(),
      system: z.number(),
      min: z.number(),
      max: z.number(),
      times: z.array(z.number()).optional(),
      memory_usage_byte: z.array(z.number().int()).optional(),
      exit_codes: z.array(z.number().int().nullable()),
      parameters: z.record(z.string(), z.string()).optional(),
    }),
  ),
});

const exported = (...args: Parameters<typeof benchResult>) =>
  hyperfineSummary.parse(JSON.parse(hyperfine(benchResult(...args)))).results;

test('a run is a process, its time the seconds per document', () => {
  const [fast, ...others] = exported();
  expect(others).toEqual([]);
  expect(fast?.command).toBe('fast [d16, us-names-2016]');
  expect(fast?.median).toBeCloseTo(50e-6, 12);
  expect(fast?.mean).toBeCloseTo(50.333333e-6, 10);
  expect(fast?.stddev).toBeCloseTo(1.527525e-6, 10);
  expect(fast?.min).toBeCloseTo(49e-6, 12);
  expect(fast?.max).toBeCloseTo(52e-6, 12);
  expect(fast?.times).toHaveLength(3);
  expect(fast?.exit_codes).toEqual([0, 0, 0]);
  // What scripts/plot_parametrized.py demands (sharkdp/hyperfine, `unique_parameter`): one parameter, and float() can read it.
  expect(Object.values(fast?.parameters ?? {}).map(Number)).toEqual([16]);
});

test('one process has no standard deviation', () => {
  expect(exported({ rows: [verifiedRow({ roundsMicrosecondsPerSample: [50] })] })[0]?.stddev).toBeNull();
});
