import { max, mean, median, min, sampleStandardDeviation } from 'simple-statistics';
import { benchmarkName } from '../../results/names.ts';
import { type BenchResult, isVerified, type VerifiedRow } from '../../results/schema.ts';

const SECONDS_PER_MICROSECOND = 1e-6;

/**
 * The JSON of hyperfine 1's `--export-json`. A "run" is one process, its time the seconds per document. User and system time
 * are not measured and cannot be left out: both are 0. The one parameter is the width, since hyperfine's `plot_parametrized.py`
 * takes only numbers.
 */
export function hyperfine(result: BenchResult): string {
  const results = result.rows.filter(isVerified).map((row) => summary(result, row));
  return `${JSON.stringify({ results }, undefined, 2)}\n`;
}

function summary(result: BenchResult, row: VerifiedRow) {
  const times = row.roundsMicrosecondsPerSample.map((microseconds) => microseconds * SECONDS_PER_MICROSECOND);
  return {
    command: benchmarkName(result.task, row),
    mean: mean(times),
    stddev: times.length < 2 ? null : sampleStandardDeviation(times),
    median: median(times),
    user: 0,
    system: 0,
    min: min(times),
    max: max(times),
    times,
    exit_codes: times.map(() => 0),
    parameters: { n_embd: String(result.task.nEmbd) },
  };
}
