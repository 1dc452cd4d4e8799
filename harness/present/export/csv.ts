import { type BenchResult, type Interval, isVerified, type Row, type VerifiedRow } from '../../results/schema.ts';
import { speedupOver } from '../../results/speedup.ts';
import { roundToInterval } from '../number-format.ts';
import type { Exporter } from './export.ts';

type Field = string | number | boolean | undefined;

interface CsvColumn {
  readonly name: string;
  readonly field: (row: Row, result: BenchResult) => Field;
}

function column(name: string, field: CsvColumn['field']): CsvColumn {
  return { name, field };
}

/** Empty for a row without a time. */
function timed(name: string, field: (row: VerifiedRow, result: BenchResult) => Field): CsvColumn {
  return column(name, (row, result) => (isVerified(row) ? field(row, result) : undefined));
}

/** Three columns. Figures have the digits that the interval supports; a single process has no bounds. */
function interval(
  name: string,
  of: (row: VerifiedRow, result: BenchResult) => Interval | undefined,
): readonly CsvColumn[] {
  return (['median', 'low', 'high'] as const).map((part) =>
    timed(part === 'median' ? name : `${name}_${part}`, (row, result) => {
      const found = of(row, result);
      if (found === undefined || (part !== 'median' && row.roundsMicrosecondsPerSample.length < 2)) return undefined;
      return roundToInterval(found, found[part]);
    }),
  );
}

const columns: readonly CsvColumn[] = [
  column('implementation', (row) => row.implementation),
  column('runtime', (row) => row.runtime),
  column('language', (row) => row.language),
  column('technique', (row) => row.technique),
  column('precision', (row) => row.precision),
  column('status', (row) => row.status),
  column('reason', (row) => (isVerified(row) ? undefined : row.reason)),
  ...interval('microseconds_per_sample', (row) => row.microsecondsPerSample),
  ...interval('speedup_over_python', (row, result) => speedupOver(result, row, 'python-baseline')),
  ...interval('speedup_over_scalar', (row, result) => speedupOver(result, row, 'scalar-baseline')),
  timed('baseline', (_, { baselines }) => baselines[0]?.row),
  ...interval('speedup_over_baseline', (row, { baselines }) => row.speedup[baselines[0]?.row ?? '']),
  timed('processes', (row) => row.roundsMicrosecondsPerSample.length),
  timed('samples_measured', (row) => row.samplesMeasured),
  timed('steady', (row) => row.steady),
  timed('steps_verified', (row) => row.stepsVerified),
  timed('steps_forced', (row) => row.stepsForced),
  timed('fraction_of_bound', (row) => row.fractionOfBound),
  timed('gflops', ({ gflops }) => gflops && Number(gflops.toPrecision(3))),
  timed('startup_milliseconds', (row) => Number(row.startupMilliseconds.toPrecision(3))),
  timed('peak_rss_bytes', (row) => row.peakRssBytes),
  column('preset', (_, { task }) => task.preset),
  column('dataset', (_, { task }) => task.dataset.name),
  column('n_embd', (_, { task }) => task.nEmbd),
  column('n_head', (_, { task }) => task.nHead),
  column('n_layer', (_, { task }) => task.nLayer),
  column('block_size', (_, { task }) => task.blockSize),
  column('batch', (_, { task }) => task.batch),
  column('seed', (_, { task }) => task.seed),
  column('num_steps', (_, { task }) => task.numSteps),
  column('learning_rate', (_, { task }) => task.learningRate),
  column('machine', (_, { machine }) => machine.fingerprint),
  column('cpu', (_, { machine }) => machine.cpu),
  column('cores', (_, { machine }) => machine.cores),
  column('platform', (_, { machine }) => machine.platform),
  column('commit', (_, { commit }) => commit),
  column('created_at', (_, { createdAt }) => createdAt),
];

/** RFC 4180 (CRLF, quotes doubled): one line a row, with its task and machine. A field without a value is empty. */
export const csv: Exporter = {
  format: 'csv',
  serialize(result) {
    const records = result.rows.map((row) => columns.map(({ field }) => field(row, result)));
    return [columns.map(({ name }) => name), ...records].map((record) => `${record.map(quote).join(',')}\r\n`).join('');
  },
};

/** A quote before text that begins like a formula: spreadsheets would compute it (OWASP, "CSV Injection"). */
function quote(field: Field): string {
  const plain = field === undefined ? '' : String(field);
  const text = typeof field === 'string' && /^[=+\-@\t\r]/.test(plain) ? `'${plain}` : plain;
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
