import type { BenchResult, Interval, Row } from '../../results/schema.ts';
import { speedupOver } from '../../results/speedup.ts';
import { roundToInterval } from '../number-format.ts';
import type { Exporter } from './export.ts';

const header = [
  'implementation',
  'runtime',
  'language',
  'technique',
  'precision',
  'status',
  'reason',
  'microseconds_per_sample',
  'microseconds_per_sample_low',
  'microseconds_per_sample_high',
  'speedup_over_python',
  'speedup_over_python_low',
  'speedup_over_python_high',
  'speedup_over_scalar',
  'speedup_over_scalar_low',
  'speedup_over_scalar_high',
  'baseline',
  'speedup_over_baseline',
  'speedup_over_baseline_low',
  'speedup_over_baseline_high',
  'processes',
  'samples_measured',
  'steady',
  'steps_verified',
  'steps_forced',
  'fraction_of_bound',
  'gflops',
  'startup_milliseconds',
  'peak_rss_bytes',
  'preset',
  'dataset',
  'n_embd',
  'n_head',
  'n_layer',
  'block_size',
  'batch',
  'seed',
  'num_steps',
  'learning_rate',
  'machine',
  'cpu',
  'cores',
  'platform',
  'commit',
  'created_at',
];

/**
 * RFC 4180 (CRLF, quotes doubled): one line a row, with its task and machine. Figures have the digits that their interval
 * supports. A field without a value is empty, and so are both bounds after a single process.
 */
export const csv: Exporter = {
  format: 'csv',
  serialize(result) {
    const context = contextOf(result);
    const records = result.rows.map((row) => [...fields(result, row), ...context]);
    return [header, ...records].map((record) => `${record.map(quote).join(',')}\r\n`).join('');
  },
};

type Field = string | number | boolean | undefined;

function contextOf({ task, machine, commit, createdAt }: BenchResult): Field[] {
  return [
    task.preset,
    task.dataset.name,
    task.nEmbd,
    task.nHead,
    task.nLayer,
    task.blockSize,
    task.batch,
    task.seed,
    task.numSteps,
    task.learningRate,
    machine.fingerprint,
    machine.cpu,
    machine.cores,
    machine.platform,
    commit,
    createdAt,
  ];
}

function fields(result: BenchResult, row: Row): Field[] {
  const identity = [row.implementation, row.runtime, row.language, row.technique, row.precision, row.status];
  if (row.status !== 'verified') {
    return [...identity, row.reason, ...Array.from({ length: 22 }, () => undefined)];
  }
  const { length: processes } = row.roundsMicrosecondsPerSample;
  const figures = (interval: Interval | undefined): Field[] => {
    if (interval === undefined) return [undefined, undefined, undefined];
    const bounds = processes < 2 ? [undefined, undefined] : [interval.low, interval.high];
    return [interval.median, ...bounds].map((x) => (x === undefined ? undefined : roundToInterval(interval, x)));
  };
  const headline = result.baselines[0]?.row;
  return [
    ...identity,
    undefined,
    ...figures(row.microsecondsPerSample),
    ...figures(speedupOver(result, row, 'python-baseline')),
    ...figures(speedupOver(result, row, 'scalar-baseline')),
    headline,
    ...figures(headline === undefined ? undefined : row.speedup[headline]),
    processes,
    row.samplesMeasured,
    row.steady,
    row.stepsVerified,
    row.stepsForced,
    row.fractionOfBound,
    row.gflops === undefined ? undefined : Number(row.gflops.toPrecision(3)),
    Number(row.startupMilliseconds.toPrecision(3)),
    row.peakRssBytes,
  ];
}

/** A quote before text that begins like a formula: spreadsheets would compute it (OWASP, "CSV Injection"). */
function quote(field: Field): string {
  const plain = field === undefined ? '' : String(field);
  const text = typeof field === 'string' && /^[=+\-@\t\r]/.test(plain) ? `'${plain}` : plain;
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
