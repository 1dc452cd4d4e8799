import { constants } from 'node:fs';
import { appendFile } from 'node:fs/promises';
import { printableLine } from '../printable.ts';
import type { ComparedRow, Comparison, ComparisonRow, UncomparedRow } from '../results/comparison.ts';
import type { Interval } from '../results/schema.ts';
import { percent, percentChange } from '../statistics/percent.ts';
import { type Column, columnTable, left, markdownTable, rightWhere, usedColumns } from './column-table.ts';
import { formatNumber } from './number-format.ts';
import { type Page, painted, wrap } from './page.ts';

const compared = rightWhere((row: ComparisonRow) => row.status === 'compared');

const columns: readonly Column<ComparisonRow>[] = [
  left('implementation', (row) => printableLine(row.implementation)),
  compared('base µs/doc', (row) => formatNumber(row.microsecondsPerSample.base), 3),
  compared('head µs/doc', (row) => formatNumber(row.microsecondsPerSample.head), 2),
  compared('time', (row) => change(row.ratio, row.rounds)),
  compared(
    'confirmed',
    (row) => (row.confirmation === undefined ? '' : change(row.confirmation.ratio, row.confirmation.rounds)),
    1,
  ),
  compared('base against itself', (row) => (row.control === undefined ? '' : change(row.control, row.rounds)), 4),
  compared('rounds', (row) => String(row.rounds + (row.confirmation?.rounds ?? 0)), 5),
  left('verdict', (row) => (row.status === 'compared' ? row.verdict : row.status)),
];

/** `+10.2% (+9.1% … +11.0%)`; one process on a side gives no interval. */
function change({ median, low, high }: Interval, rounds: number): string {
  return rounds < 2
    ? percentChange(median)
    : `${percentChange(median)} (${percentChange(low)} … ${percentChange(high)})`;
}

/** The comparison in the terminal: what is compared, table, reasons, notes. */
export function comparisonTable(comparison: Comparison, page: Page): string {
  const paint = (row: ComparisonRow, text: string) => painted(page, kindOf(row).color, text);
  const text = (line: string) => wrap(printableLine(line), page.width);
  const { shown, unchanged } = split(comparison);
  return [
    text(title(comparison)),
    ...(shown.length === 0 ? [] : [columnTable(columns, shown, page, paint)]),
    ...withOneReason(shown, comparison).map(({ names, row, reason }) => paint(row, text(`${names}: ${reason}`))),
    ...unchanged.map(text),
    ...comparison.notes.map((note) => text(`note: ${note}`)),
  ].join('\n');
}

/** Rows to show, and one line for those that were not run. */
function split({ rows }: Comparison) {
  const names = rows.filter(({ status }) => status === 'unchanged').map((row) => row.implementation);
  return {
    shown: rows.filter(({ status }) => status !== 'unchanged'),
    unchanged: names.length === 0 ? [] : [`unchanged, not run (--all runs them): ${names.join(', ')}`],
  };
}

function withOneReason(rows: readonly ComparisonRow[], comparison: Comparison) {
  return [...Map.groupBy(rows, (row) => reasonOf(row, comparison))].map(([reason, group]) => ({
    reason,
    row: group[0],
    names: group.map((row) => row.implementation).join(', '),
  }));
}

export function comparisonMarkdown(comparison: Comparison): string {
  const { shown, unchanged } = split(comparison);
  return [
    `### ${escapeHtml(title(comparison))}`,
    '',
    ...(shown.length === 0 ? [] : [markdownTable(usedColumns(columns, shown), shown), '']),
    ...shown.map((row) => `- **${escapeHtml(row.implementation)}**: ${escapeHtml(explanation(row, comparison))}`),
    ...[...unchanged, ...comparison.notes].map((note) => `- ${escapeHtml(note)}`),
    '',
  ].join('\n');
}

/** One row's verdict with its figures and reason, in one line. */
export function explanation(row: ComparisonRow, comparison: Pick<Comparison, 'evidence'>): string {
  const reason = reasonOf(row, comparison);
  if (row.status !== 'compared') return reason;
  const { ratio, rounds } = row.confirmation ?? row;
  return `${change(ratio, rounds)}, ${reason}`;
}

/** Without the figures, which are in the table. A change that only stored results show was never confirmed, and says so. */
function reasonOf(row: ComparisonRow, { evidence }: Pick<Comparison, 'evidence'>): string {
  if (row.status !== 'compared') return `${kindOf(row).text}: ${row.reason}`;
  const isWeak = evidence === 'stored' && row.verdict !== 'inconclusive';
  return `${row.verdict}${isWeak ? ' (weaker evidence)' : ''}: ${row.reason}`;
}

interface Kind {
  readonly text: string;
  readonly color: 'red' | 'green' | 'yellow' | 'reset' | 'dim';
  /** Of GitHub's annotation; a row without one is no news. */
  readonly level?: 'error' | 'warning' | 'notice';
}

function kindOf(row: ComparisonRow): Kind {
  if (row.status === 'compared') return verdicts[row.verdict];
  const kind = statuses[row.status];
  return { ...kind, text: kind.text.replace('SIDE', row.side) };
}

const verdicts: Record<ComparedRow['verdict'], Kind> = {
  regression: { text: 'regression', color: 'red', level: 'error' },
  improvement: { text: 'improvement', color: 'green', level: 'notice' },
  'no change': { text: 'no change', color: 'reset' },
  inconclusive: { text: 'inconclusive', color: 'yellow', level: 'warning' },
};

const statuses: Record<UncomparedRow['status'], Kind> = {
  wrong: { text: 'SIDE is wrong', color: 'red', level: 'error' },
  broken: { text: 'SIDE broke', color: 'red', level: 'error' },
  unreadable: { text: "SIDE's manifest cannot be read", color: 'red', level: 'error' },
  lost: { text: 'no longer runs', color: 'red', level: 'error' },
  skipped: { text: 'skipped on both sides', color: 'dim' },
  added: { text: 'new', color: 'dim' },
  removed: { text: 'removed', color: 'dim', level: 'warning' },
  repaired: { text: 'repaired', color: 'green', level: 'notice' },
  unchanged: { text: 'unchanged', color: 'dim' },
};

function title({ base, head, evidence, threshold, task }: Comparison): string {
  const name = (side: Comparison['base']) =>
    side.commit === undefined ? side.name : `${side.name} (${side.commit.slice(0, 7)})`;
  const how = evidence === 'paired' ? 'side by side' : 'from stored results';
  const sizes = task.preset ?? `n_embd ${task.nEmbd}, n_layer ${task.nLayer}`;
  return `${name(base)} → ${name(head)}, ${how}: ${sizes}, ${task.dataset.name}, threshold ${percent(threshold)}`;
}

function escapeHtml(text: string): string {
  return printableLine(text).replaceAll('&', '&amp;').replaceAll('<', '&lt;');
}

export function runsInGitHubActions(environment: NodeJS.ProcessEnv = process.env): boolean {
  return environment['GITHUB_ACTIONS'] === 'true';
}

/** Workflow commands that GitHub shows as annotations at the row's manifest: `::error`, `::warning`, `::notice`. */
export function annotations(comparison: Comparison): string[] {
  return comparison.rows.flatMap((row) => {
    const { level } = kindOf(row);
    if (level === undefined) return [];
    const file = row.manifest === undefined ? '' : `file=${escapeProperty(row.manifest)},`;
    return [
      `::${level} ${file}title=${escapeProperty(row.implementation)}::${escapeData(explanation(row, comparison))}`,
    ];
  });
}

export async function appendJobSummary(
  comparison: Comparison,
  environment: NodeJS.ProcessEnv = process.env,
): Promise<void> {
  const file = environment['GITHUB_STEP_SUMMARY'];
  if (file === undefined || file === '') return;
  const { O_APPEND, O_CREAT, O_WRONLY } = constants;
  // Without O_NONBLOCK, which Windows lacks, opening a FIFO that nobody reads would wait for ever.
  const flag = O_APPEND | O_CREAT | O_WRONLY | (constants.O_NONBLOCK ?? 0);
  await appendFile(file, comparisonMarkdown(comparison), { flag });
}

/** What the runner ends a command at, and decodes (github.com/actions/toolkit, packages/core/src/command.ts). */
function escapeData(text: string): string {
  return text.replaceAll('%', '%25').replaceAll('\r', '%0D').replaceAll('\n', '%0A');
}

function escapeProperty(text: string): string {
  return escapeData(text).replaceAll(':', '%3A').replaceAll(',', '%2C');
}
