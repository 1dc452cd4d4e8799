import { benchmarkName } from '../../results/names.ts';
import { type Exporter, verifiedRows } from './exporter.ts';

const NANOSECONDS_PER_MICROSECOND = 1000;

/** Bencher Metric Format: benchmark → measure → value with bounds. Bencher's own measure `latency` is in nanoseconds; here, per sample. */
export const bencher: Exporter = {
  format: 'bencher',
  serialize(result) {
    const benchmarks = verifiedRows(result).map((row) => {
      const { median, low, high } = row.microsecondsPerSample;
      const latency = {
        value: median * NANOSECONDS_PER_MICROSECOND,
        lower_value: low * NANOSECONDS_PER_MICROSECOND,
        upper_value: high * NANOSECONDS_PER_MICROSECOND,
      };
      return [benchmarkName(result.task, row), { latency }] as const;
    });
    return `${JSON.stringify(Object.fromEntries(benchmarks), undefined, 2)}\n`;
  },
};
