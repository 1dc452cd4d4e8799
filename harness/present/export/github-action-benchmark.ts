import { benchmarkName } from '../../results/names.ts';
import { formatNumber } from '../number-format.ts';
import { type Exporter, verifiedRows } from './exporter.ts';

/**
 * Input of the `benchmark-action/github-action-benchmark` action with `tool: customSmallerIsBetter`:
 * an array of `{name, unit, value, range, extra}`, `value` being the median and `range` and `extra` shown as they stand.
 */
export const githubActionBenchmark: Exporter = {
  format: 'github-action-benchmark',
  serialize(result) {
    const { machine, runtime } = result;
    const entries = verifiedRows(result).map((row) => {
      const { median, low, high } = row.microsecondsPerSample;
      return {
        name: benchmarkName(result.task, row),
        unit: 'µs/sample',
        value: median,
        range: `${formatNumber(low)} … ${formatNumber(high)}`,
        extra: [
          `95% interval over ${row.roundsMicrosecondsPerSample.length} processes${row.steady ? '' : ', not steady'}`,
          `${machine.cpu}, ${machine.platform} ${machine.architecture}, ${runtime.name} ${runtime.version}`,
        ].join('\n'),
      };
    });
    return `${JSON.stringify(entries, undefined, 2)}\n`;
  },
};
