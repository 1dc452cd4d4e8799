import { styleText } from 'node:util';
import type { Counters } from '../profile/counters.ts';
import type { OperationShare, Profile } from '../profile/profile.ts';
import { columnTable } from './column-table.ts';
import { formatNumber } from './number-format.ts';
import type { Page } from './page.ts';

/** What a list should explain at least. */
const LEAST_EXPLAINED = 0.9;
const MOST_FUNCTIONS = 8;
const WIDEST_BAR = 60;
/** One letter's worth of each operation; with colours, blocks of one colour. */
const colors = ['cyan', 'green', 'yellow', 'blue', 'magenta', 'red', 'white'] as const;

export interface ProfileText {
  readonly implementation: string;
  readonly task: string;
  readonly profile: Profile;
  readonly counters: Counters | undefined;
}

/** A line, a table of operations, a bar of the step, how much is explained, and the counters. */
export function profileText({ implementation, task, profile, counters }: ProfileText, page: Page): string {
  const { operations, samples, microsecondsPerStep, explained } = profile;
  const paint = (i: number, text: string) =>
    page.color ? styleText(colors[i % colors.length] ?? 'white', text, { validateStream: false }) : text;
  const letter = (i: number) => String.fromCharCode('a'.charCodeAt(0) + i);
  const shown = operations.map((operation, i) => ({ ...operation, letter: letter(i) }));
  const table = columnTable<OperationShare & { readonly letter: string }>(
    [
      { heading: '', align: 'left', dropOrder: 3, cell: (row) => row.letter },
      { heading: 'operation', align: 'left', dropOrder: 0, cell: (row) => row.operation },
      { heading: 'share', align: 'right', dropOrder: 0, cell: ({ share }) => percent(share) },
      { heading: 'µs a step', align: 'right', dropOrder: 1, cell: (row) => formatNumber(row.microsecondsPerStep) },
      {
        heading: 'µs added by a second run',
        align: 'right',
        dropOrder: 2,
        cell: ({ microsecondsWhenRepeated: added }) => (added === undefined ? '' : formatNumber(added)),
      },
    ],
    shown,
    { width: page.width },
  );
  const width = Math.min(WIDEST_BAR, page.width);
  const bar = operations.map(({ share }, i) =>
    paint(i, (page.color ? '█' : letter(i)).repeat(Math.round(share * width))),
  );
  const verdict =
    explained >= LEAST_EXPLAINED
      ? `${percent(explained)} of the step is explained.`
      : `Only ${percent(explained)} of the step is explained; give these functions an operation in its profile.json: ${largest(operations.at(-1)?.functions ?? [])}`;
  return [
    `${implementation} at ${task}: ${formatNumber(microsecondsPerStep)} µs a step, ${samples.toLocaleString('en-US')} samples`,
    table,
    bar.join(''),
    verdict,
    counters === undefined
      ? 'Instructions, cycles and cache misses: not counted here, as in most virtual machines.'
      : `A step: ${formatNumber(counters.instructions)} instructions, ${formatNumber(counters.cycles)} cycles, ${formatNumber(counters.cacheMisses)} cache misses.`,
  ].join('\n');
}

function percent(share: number): string {
  return `${(100 * share).toFixed(1)}%`;
}

function largest(functions: OperationShare['functions']): string {
  return functions
    .slice(0, MOST_FUNCTIONS)
    .map(({ name, share }) => `${name} ${percent(share)}`)
    .join(', ');
}
