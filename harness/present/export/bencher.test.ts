import { expect, test } from 'vitest';
import { z } from 'zod';
import { benchResult, verifiedRow } from '../../testing/example-result.ts';
import { bencher } from './bencher.ts';

/**
 * What Bencher's JSON adapter accepts: names of 1 to 1,024 bytes, measures, and metrics of numbers
 * (`bencher_json` `JsonResultsMap`, `bencher_valid` `BenchmarkName`, at 8d75325).
 */
const name = z.string().refine((text) => text.length > 0 && Buffer.byteLength(text) <= 1024);
const metric = z.strictObject({
  value: z.number(),
  lower_value: z.number().optional(),
  upper_value: z.number().optional(),
});
const bencherMetricFormat = z.record(name, z.record(z.string(), metric));

test('latency is in nanoseconds per document, with both bounds, and refused rows are left out', () => {
  expect(bencherMetricFormat.parse(JSON.parse(bencher(benchResult())))).toEqual({
    'fast [d16, us-names-2016]': { latency: { value: 50_000, lower_value: 49_000, upper_value: 52_000 } },
  });
});

test('a single process has no bounds', () => {
  const rows = [verifiedRow({ roundsMicrosecondsPerSample: [50] })];
  expect(bencherMetricFormat.parse(JSON.parse(bencher(benchResult({ rows }))))).toEqual({
    'fast [d16, us-names-2016]': { latency: { value: 50_000 } },
  });
});
