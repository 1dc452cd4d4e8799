import type { Row } from '../../results/schema.ts';
import type { Exporter } from './exporter.ts';

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
  'rounds',
  'samples_measured',
  'steady',
  'steps_verified',
  'max_loss_error',
  'tolerance',
  'gflops',
  'startup_milliseconds',
  'peak_rss_bytes',
];

/** Comma-separated values as RFC 4180 has them (CRLF, quotes doubled), one line a row, numbers in full precision, empty where there is none. */
export const csv: Exporter = {
  format: 'csv',
  serialize(result) {
    return [header, ...result.rows.map(fields)].map((record) => `${record.map(quote).join(',')}\r\n`).join('');
  },
};

type Field = string | number | boolean | undefined;

function fields(row: Row): Field[] {
  const identity = [row.implementation, row.runtime, row.language, row.technique, row.precision, row.status];
  if (row.status !== 'verified') {
    const rest = header.slice(identity.length + 1).map((column) => {
      if (column === 'max_loss_error') return row.maxLossError;
      if (column === 'tolerance') return row.tolerance;
      return undefined;
    });
    return [...identity, row.reason, ...rest];
  }
  const { microsecondsPerSample: time, speedup } = row;
  return [
    ...identity,
    undefined,
    ...[time, speedup.overPython, speedup.overScalar].flatMap((x) => [x?.median, x?.low, x?.high]),
    row.roundsMicrosecondsPerSample.length,
    row.samplesMeasured,
    row.steady,
    row.stepsVerified,
    row.maxLossError,
    row.tolerance,
    row.gflops,
    row.startupMilliseconds,
    row.peakRssBytes,
  ];
}

function quote(field: Field): string {
  const text = field === undefined ? '' : String(field);
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
