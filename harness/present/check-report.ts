import { styleText } from 'node:util';
import type { CheckResult } from '../results/schema.ts';
import type { TaskDescription } from '../task/task.ts';

type CheckRow = CheckResult['results'][number];
type Colour = 'green' | 'red' | 'yellow';

const marks = {
  verified: { mark: '✔', colour: 'green' },
  mismatch: { mark: '✖', colour: 'red' },
  error: { mark: '✖', colour: 'red' },
  skipped: { mark: '–', colour: 'yellow' },
  unsupported: { mark: '–', colour: 'yellow' },
} as const satisfies Record<CheckRow['status'], { mark: string; colour: Colour }>;

/** Says what is trained and what is held to be true: `d16 (16 wide, 4 heads, …), held against golden over 1000 steps`. */
export function describeCheck(
  task: TaskDescription,
  reference: CheckResult['reference'],
  gauntletSeed?: number,
): string {
  const sizes = `${task.nEmbd} wide, ${task.nHead} heads, ${task.nLayer} layers, block ${task.blockSize}, batch ${task.batch}`;
  const against = `${reference.source}, ${reference.losses.length} steps`;
  const random = gauntletSeed === undefined ? '' : `; random tasks: --gauntlet-seed ${gauntletSeed}`;
  return `${task.preset ?? 'custom'} (${sizes}) on ${task.dataset.name}, seed ${task.seed}; reference: ${against}${random}`;
}

/**
 * A row in words: one line, then what is known of the fault, the end of what the implementation said itself, and its samples.
 * Colours only where `stream` is a terminal and NO_COLOR is not set.
 */
export function describeRow(
  row: CheckRow,
  nameWidth: number,
  stderrTail: string,
  stream: NodeJS.WriteStream,
): readonly string[] {
  const { mark, colour } = marks[row.status];
  const runtime = row.runtime === undefined ? '' : `on ${row.runtime}  `;
  const verdict = styleText(
    colour,
    `${mark} ${row.implementation.padEnd(nameWidth)}  ${runtime}${row.status}${row.status === 'verified' ? ':' : ''}`,
    {
      stream,
    },
  );
  return [
    `${verdict} ${summary(row)}`,
    ...(row.diagnosis ?? []).map((line) => `    ${line}`),
    ...(stderrTail === ''
      ? []
      : ['    it said on standard error:', ...stderrTail.split('\n').map((line) => `    | ${line}`)]),
    ...tensorLines('gradients of step 1', row.gradients),
    ...tensorLines('parameters after step 1', row.parameters),
    ...(row.samples === undefined ? [] : [`    samples: ${row.samples.join(', ')}`]),
  ];
}

function summary(row: CheckRow): string {
  if (row.status === 'verified') {
    const steps = `${row.stepsVerified.toLocaleString('en-US')} steps`;
    return `${steps}, each from the row's own state, at ${(row.fractionOfBound ?? 0).toFixed(2)} of the bound${randomTasks(row)}`;
  }
  return row.reason ?? '';
}

function randomTasks({ randomTasks }: CheckRow): string {
  if (randomTasks === undefined) return '';
  const { trained, declined } = randomTasks;
  return `; ${trained} random tasks${declined.length === 0 ? '' : ` (${declined.length} of sizes it does not train)`}`;
}

function tensorLines(what: string, findings: CheckRow['gradients'] = []): readonly string[] {
  if (findings.length === 0) return [];
  const width = Math.max(...findings.map(({ tensor }) => tensor.length));
  const lines = findings.map(
    ({ tensor, maxError, tolerance, agrees }) =>
      `      ${tensor.padEnd(width)}  off by ${short(maxError)} (allowed ${short(tolerance)})${agrees ? '' : '  ✖'}`,
  );
  return [`    ${what}:`, ...lines];
}

function short(value: number | null): string {
  return value === null ? 'not finite' : value === 0 ? '0' : value.toExponential(1);
}
