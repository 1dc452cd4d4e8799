import { type BenchResult, type Interval, isVerified, type Row, type VerifiedRow } from '../../results/schema.ts';
import { speedupOver } from '../../results/speedup.ts';
import { roundToInterval } from '../number-format.ts';

type Field = string | number | boolean | undefined;

type CsvColumn = readonly [name: string, field: (row: Row, result: BenchResult) => Field];

/** Empty for a row without a time. */
function timed(name: string, field: (row: VerifiedRow, result: BenchResult) => Field): CsvColumn {
  return [name, (row, result) => (isVerified(row) ? field(row, result) : undefined)];
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
  ['implementation', (row) => row.implementation],
  ['runtime', (row) => row.runtime],
  ['language', (row) => row.language],
  ['technique', (row) => row.technique],
  ['precision', (row) => row.precision],
  ['status', (row) => row.status],
  ['reason', (row) => (isVerified(row) ? undefined : row.reason)],
  ...interval('microseconds_per_document', (row) => row.microsecondsPerSample),
  ...interval('speedup_over_python', (row, result) => speedupOver(result, row, 'python-baseline')),
  ...interval('speedup_over_scalar', (row, result) => speedupOver(result, row, 'scalar-baseline')),
  timed('baseline', (_, { baselines }) => baselines[0]?.row),
  ...interval('speedup_over_baseline', (row, { baselines }) => row.speedup[baselines[0]?.row ?? '']),
  timed('processes', (row) => row.roundsMicrosecondsPerSample.length),
  timed('documents_measured', (row) => row.samplesMeasured),
  timed('steady', (row) => row.steady),
  timed('steps_verified', (row) => row.stepsVerified),
  timed('steps_forced', (row) => row.stepsForced),
  timed('fraction_of_bound', (row) => row.fractionOfBound),
  timed('gflops', ({ gflops }) => gflops && Number(gflops.toPrecision(3))),
  timed('startup_milliseconds', (row) => Number(row.startupMilliseconds.toPrecision(3))),
  timed('peak_rss_bytes', (row) => row.peakRssBytes),
  ['preset', (_, { task }) => task.preset],
  ['dataset', (_, { task }) => task.dataset.name],
  ['n_embd', (_, { task }) => task.nEmbd],
  ['n_head', (_, { task }) => task.nHead],
  ['n_layer', (_, { task }) => task.nLayer],
  ['block_size', (_, { task }) => task.blockSize],
  ['batch', (_, { task }) => task.batch],
  ['seed', (_, { task }) => task.seed],
  ['num_steps', (_, { task }) => task.numSteps],
  ['learning_rate', (_, { task }) => task.learningRate],
  ['machine', (_, { machine }) => machine.fingerprint],
  ['cpu', (_, { machine }) => machine.cpu],
  ['cores', (_, { machine }) => machine.cores],
  ['platform', (_, { machine }) => machine.platform],
  ['commit', (_, { commit }) => commit],
  ['created_at', (_, { createdAt }) => createdAt],
];

/** RFC 4180 (CRLF, quotes doubled): one line a row, with its task and machine. A field without a value is empty. */
export function csv(result: BenchResult): string {
  const records = result.rows.map((row) => columns.map(([, field]) => field(row, result)));
  return [columns.map(([name]) => name), ...records].map((record) => `${record.map(quote).join(',')}\r\n`).join('');
}

/** A quote before text that begins like a formula: spreadsheets would compute it (OWASP, "CSV Injection"). */
function quote(field: Field): string {
  const plain = field === undefined ? '' : String(field);
  const text = typeof field === 'string' && /^[=+\-@\t\r]/.test(plain) ? `'${plain}` : plain;
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
