import { styleText } from 'node:util';
import type { Comparison, ComparisonRow, UncomparedRow } from '../../results/comparison.ts';
import type { Interval } from '../../results/schema.ts';
import { percent, percentChange } from '../../statistics/percent.ts';
import { type Column, columnTable, markdownTable } from '../column-table.ts';
import { formatNumber } from '../number-format.ts';
import type { Page } from '../page.ts';
import { wrap } from '../wrap.ts';

const columns: readonly Column<ComparisonRow>[] = [
  { heading: 'implementation', align: 'left', dropOrder: 0, cell: (row) => printable(row.implementation) },
  compared('base µs/doc', 3, (row) => formatNumber(row.microsecondsPerSample.base)),
  compared('head µs/doc', 2, (row) => formatNumber(row.microsecondsPerSample.head)),
  compared('time', 0, (row) => change(row.ratio)),
  compared('confirmed', 1, (row) => (row.confirmation === undefined ? '' : change(row.confirmation.ratio))),
  compared('base against itself', 4, (row) => (row.control === undefined ? '' : change(row.control))),
  compared('rounds', 5, (row) => String(row.rounds + (row.confirmation?.rounds ?? 0))),
  {
    heading: 'verdict',
    align: 'left',
    dropOrder: 0,
    cell: (row) => (row.status === 'compared' ? row.verdict : row.status),
  },
];

function compared(
  heading: string,
  dropOrder: number,
  cell: (row: ComparisonRow & { readonly status: 'compared' }) => string,
): Column<ComparisonRow> {
  return { heading, align: 'right', dropOrder, cell: (row) => (row.status === 'compared' ? cell(row) : '') };
}

/** `+10.2% (+9.1% … +11.0%)`. */
function change({ median, low, high }: Interval): string {
  return `${percentChange(median)} (${percentChange(low)} … ${percentChange(high)})`;
}

/** The comparison as a person reads it in the terminal: what is compared, table, reasons, notes. */
export function comparisonTable(comparison: Comparison, page: Page): string {
  const paint = (row: ComparisonRow, text: string) =>
    page.color ? styleText(colorOf(row), text, { validateStream: false }) : text;
  const text = (line: string) => wrap(printable(line), page.width);
  const shown = comparison.rows.filter(({ status }) => status !== 'unchanged');
  const unchanged = comparison.rows.filter(({ status }) => status === 'unchanged');
  return [
    text(title(comparison)),
    ...(shown.length === 0 ? [] : [columnTable(columns, shown, { width: page.width, paint })]),
    ...withOneReason(shown, comparison).map(({ names, row, reason }) => paint(row, text(`${names}: ${reason}`))),
    ...(unchanged.length === 0
      ? []
      : [text(`unchanged, not run (--all runs them): ${unchanged.map((row) => row.implementation).join(', ')}`)]),
    ...comparison.notes.map((note) => text(`note: ${note}`)),
  ].join('\n');
}

/** Rows in their order, those of which the same is to be said together. */
function withOneReason(rows: readonly ComparisonRow[], comparison: Comparison) {
  const groups = Map.groupBy(rows, (row) => reasonOf(row, comparison));
  return [...groups].map(([reason, group]) => ({
    reason,
    row: group[0] ?? rows[0],
    names: group.map((row) => row.implementation).join(', '),
  }));
}

/** The same in Markdown, for the summary of a job. */
export function comparisonMarkdown(comparison: Comparison): string {
  return [
    `### ${escapeHtml(title(comparison))}`,
    '',
    markdownTable(columns, comparison.rows),
    '',
    ...comparison.rows.map(
      (row) => `- **${escapeHtml(row.implementation)}**: ${escapeHtml(explanation(row, comparison))}`,
    ),
    ...comparison.notes.map((note) => `- ${escapeHtml(note)}`),
    '',
  ].join('\n');
}

/** One row's verdict and what it rests on, in one line with the change and its interval. */
export function explanation(row: ComparisonRow, comparison: Pick<Comparison, 'evidence'>): string {
  const reason = reasonOf(row, comparison);
  if (row.status !== 'compared') return reason;
  return `${change((row.confirmation ?? row).ratio)}, ${reason}`;
}

/** The same without the figures, which stand in the table. A change that stored results alone show was never confirmed, and says so. */
function reasonOf(row: ComparisonRow, { evidence }: Pick<Comparison, 'evidence'>): string {
  if (row.status !== 'compared') return `${statusText[row.status](row)}: ${row.reason}`;
  const isWeak = evidence === 'stored' && row.verdict !== 'inconclusive';
  return `${row.verdict}${isWeak ? ' (weaker evidence)' : ''}: ${row.reason}`;
}

const statusText: Record<UncomparedRow['status'], (row: UncomparedRow) => string> = {
  wrong: ({ side }) => `${side} is wrong`,
  broken: ({ side }) => `${side} broke`,
  unreadable: ({ side }) => `${side}'s manifest cannot be read`,
  lost: () => 'no longer runs',
  skipped: () => 'skipped on both sides',
  added: () => 'new',
  removed: () => 'removed',
  repaired: () => 'repaired',
  unchanged: () => 'unchanged',
};

function title({ base, head, evidence, threshold, task }: Comparison): string {
  const name = (side: Comparison['base']) =>
    side.commit === undefined ? side.name : `${side.name} (${side.commit.slice(0, 7)})`;
  const how = evidence === 'paired' ? 'side by side' : 'from stored results';
  const sizes = task.preset ?? `n_embd ${task.nEmbd}, n_layer ${task.nLayer}`;
  return `${name(base)} → ${name(head)}, ${how}: ${sizes}, ${task.dataset.name}, threshold ${percent(threshold)}`;
}

function colorOf(row: ComparisonRow): 'red' | 'green' | 'yellow' | 'reset' | 'dim' {
  if (['wrong', 'broken', 'unreadable', 'lost'].includes(row.status)) return 'red';
  if (row.status === 'repaired') return 'green';
  if (row.status !== 'compared') return 'dim';
  return ({ regression: 'red', improvement: 'green', 'no change': 'reset', inconclusive: 'yellow' } as const)[
    row.verdict
  ];
}

/** One line without control characters: names and reasons may come from a file or a child, and a terminal obeys escapes. */
function printable(text: string): string {
  return text.replaceAll(/\p{Cc}+/gu, ' ');
}

function escapeHtml(text: string): string {
  return printable(text).replaceAll('&', '&amp;').replaceAll('<', '&lt;');
}
