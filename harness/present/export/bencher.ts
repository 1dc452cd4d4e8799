import { benchmarkName } from '../../results/names.ts';
import { type BenchResult, isVerified } from '../../results/schema.ts';
import { roundToInterval } from '../number-format.ts';

const NANOSECONDS_PER_MICROSECOND = 1000;

/**
 * Bencher Metric Format: benchmark → measure → value, with bounds from two processes on. Bencher's `latency` is in nanoseconds;
 * here, per document.
 */
export function bencher(result: BenchResult): string {
  const benchmarks = result.rows.filter(isVerified).map((row) => {
    const time = row.microsecondsPerSample;
    const nanoseconds = (microseconds: number) => roundToInterval(time, microseconds) * NANOSECONDS_PER_MICROSECOND;
    const latency = {
      value: nanoseconds(time.median),
      ...(row.roundsMicrosecondsPerSample.length < 2
        ? {}
        : { lower_value: nanoseconds(time.low), upper_value: nanoseconds(time.high) }),
    };
    return [benchmarkName(result.task, row), { latency }] as const;
  });
  return `${JSON.stringify(Object.fromEntries(benchmarks), undefined, 2)}\n`;
}
