import { styleText } from 'node:util';
import type { CheckResult } from '../results/schema.ts';
import type { TaskDescription } from '../task/task.ts';
import { formatSteps } from './number-format.ts';

type CheckRow = CheckResult['results'][number];
const marks = {
  verified: ['✔', 'green'],
  conforming: ['✔', 'green'],
  mismatch: ['✖', 'red'],
  violation: ['✖', 'red'],
  error: ['✖', 'red'],
  skipped: ['–', 'yellow'],
  unsupported: ['–', 'yellow'],
} as const;

/** A verdict with its mark, in colour if `stream` takes it: `✔ analytic  verified`. */
export function marked(status: keyof typeof marks, verdict: string, stream: NodeJS.WriteStream): string {
  const [mark, colour] = marks[status];
  return styleText(colour, `${mark} ${verdict}`, { stream });
}

/** `d16 on us-names-2016: width 16, …; reference: golden, 30 steps; …`. */
export function describeCheck(
  task: TaskDescription,
  reference: CheckResult['reference'],
  gauntletSeed?: number,
): string {
  const sizes = `width ${task.nEmbd}, heads ${task.nHead}, layers ${task.nLayer}, block ${task.blockSize}, batch ${task.batch}`;
  const against = `${reference.source}, ${reference.losses.length} steps`;
  const random = gauntletSeed === undefined ? '' : `; random tasks: --gauntlet-seed ${gauntletSeed}`;
  return `${task.preset ?? 'custom'} on ${task.dataset.name}: ${sizes}, seed ${task.seed}; reference: ${against}${random}`;
}

/** A row in words: one line, then what is known of the fault, its standard error, tensors and samples. In colour if `stream` takes it. */
export function describeRow(
  row: CheckRow,
  nameWidth: number,
  stderrTail: string,
  stream: NodeJS.WriteStream,
): readonly string[] {
  const runtime = row.runtime === undefined ? '' : `on ${row.runtime}  `;
  const verdict = `${row.implementation.padEnd(nameWidth)}  ${runtime}${row.status}${row.status === 'verified' ? ':' : ''}`;
  return [
    `${marked(row.status, verdict, stream)} ${summary(row)}`,
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
    const steps = formatSteps(row.stepsVerified);
    const share = Math.round(100 * (row.fractionOfBound ?? 0));
    return `${steps}${randomTasks(row)}; errors at most ${share}% of what rounding may cause`;
  }
  return row.reason ?? '';
}

function randomTasks({ randomTasks }: CheckRow): string {
  if (randomTasks === undefined) return '';
  const { trained, declined } = randomTasks;
  return ` and ${trained} random tasks${declined.length === 0 ? '' : ` (${declined.length} more are of sizes it does not train)`}`;
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
