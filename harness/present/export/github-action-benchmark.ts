import { benchmarkName } from '../../results/names.ts';
import { type BenchResult, isVerified } from '../../results/schema.ts';
import { formatToInterval, roundToInterval } from '../number-format.ts';

/** Input of `benchmark-action/github-action-benchmark` with `tool: customSmallerIsBetter`. `value` is the median, `range` its interval. */
export function githubActionBenchmark(result: BenchResult): string {
  const { machine, runtime } = result;
  const entries = result.rows.filter(isVerified).map((row) => {
    const time = row.microsecondsPerSample;
    const { length: processes } = row.roundsMicrosecondsPerSample;
    return {
      name: benchmarkName(result.task, row),
      unit: 'µs/document',
      value: roundToInterval(time),
      ...(processes < 2 ? {} : { range: `${formatToInterval(time, time.low)} … ${formatToInterval(time, time.high)}` }),
      extra: [
        `${processes < 2 ? '1 process' : `95% interval over ${processes} processes`}${row.steady ? '' : ', still warming up when timed'}`,
        `${machine.cpu}, ${machine.platform} ${machine.architecture}, ${runtime.name} ${runtime.version}`,
      ].join('\n'),
    };
  });
  return `${JSON.stringify(entries, undefined, 2)}\n`;
}
