import type { Counters } from '../profile/counters.ts';
import type { OperationShare, Profile } from '../profile/profile.ts';
import { columnTable, left, right } from './column-table.ts';
import { formatCount, formatIfAny, formatNumber } from './number-format.ts';
import { type Page, painted, wrap } from './page.ts';

const LEAST_EXPLAINED = 0.9;
const MOST_FUNCTIONS = 8;
const WIDEST_BAR = 60;
/** Of the operations, in the table and in the bar; without colours the bar is drawn in their letters. */
const colors = ['cyan', 'green', 'yellow', 'blue', 'magenta', 'red', 'white'] as const;

interface ProfileText {
  readonly implementation: string;
  readonly task: string;
  readonly profile: Profile;
  readonly counters: Counters | undefined;
}

export function profileText({ implementation, task, profile, counters }: ProfileText, page: Page): string {
  const { operations, samples, microsecondsPerStep, explained } = profile;
  const paint = (i: number, text: string) => painted(page, colors[i % colors.length], text);
  const letter = (i: number) => String.fromCharCode('a'.charCodeAt(0) + i);
  const table = columnTable<OperationShare>(
    [
      left('', (row) => letter(operations.indexOf(row))),
      left('operation', (row) => row.operation),
      right('share', ({ share }) => percent(share)),
      right('µs a step', (row) => formatNumber(row.microsecondsPerStep), 1),
      right('µs added if run twice', (row) => formatIfAny(row.microsecondsWhenRepeated), 2),
    ],
    operations,
    page,
    (row, text) => (text.length === 1 ? paint(operations.indexOf(row), text) : text),
  );
  const width = Math.min(WIDEST_BAR, page.width);
  const bar = operations.map(({ share }, i) =>
    paint(i, (page.color ? '█' : letter(i)).repeat(Math.round(share * width))),
  );
  const largest = (operations.at(-1)?.functions ?? [])
    .slice(0, MOST_FUNCTIONS)
    .map(({ name, share }) => `${name} ${percent(share)}`)
    .join(', ');
  const verdict =
    explained >= LEAST_EXPLAINED
      ? `${percent(explained)} of the step is explained.`
      : `Only ${percent(explained)} of the step is explained; give these functions an operation in its profile.json (impls/README.md shows one): ${largest}`;
  return [
    `${implementation} at ${task}: ${formatNumber(microsecondsPerStep)} µs a step, ${formatCount(samples)} samples`,
    table,
    bar.join(''),
    wrap(verdict, page.width),
    counters === undefined
      ? 'Instructions, cycles and cache misses: not counted here, as in most virtual machines.'
      : `A step: ${formatNumber(counters.instructions)} instructions, ${formatNumber(counters.cycles)} cycles, ${formatNumber(counters.cacheMisses)} cache misses.`,
  ].join('\n');
}

function percent(share: number): string {
  return `${(100 * share).toFixed(1)}%`;
}
