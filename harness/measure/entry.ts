import { UnsupportedTask } from '../../impls/contract.ts';
import { printableLine } from '../printable.ts';
import { ImplementationFailure, quote } from '../program/implementation-failure.ts';
import type { RefusedRow, RowIdentity, VerifiedRow } from '../results/schema.ts';
import { type Admission, type Contender, type Refusal, WrongLaps } from './contender.ts';
import { NoLapLeft, type ProcessSample } from './process-sample.ts';
import { OutOfTime } from './time-budget.ts';

/** What became of one row so far. A refused one has no times: it is what the table shows. */
export type Entry =
  | RefusedRow
  | { readonly status: 'waiting'; readonly contender: Contender }
  | {
      readonly status: 'racing';
      readonly contender: Contender;
      readonly admission: Admission;
      /** With the first, which is not timed. */
      readonly lapSteps: number;
      /** One process a round, verified; undefined for a round that it sat out. */
      readonly samples: readonly (ProcessSample | undefined)[];
      /** Of the timed laps, all rounds together. */
      readonly checked: Pick<VerifiedRow, 'stepsVerified' | 'stepsForced' | 'fractionOfBound'>;
    };

export type RacingEntry = Entry & { readonly status: 'racing' };

export function identityOf(entry: Entry): RowIdentity {
  return 'contender' in entry ? entry.contender.identity : entry;
}

export function isRacing(entry: Entry): entry is RacingEntry {
  return entry.status === 'racing';
}

/** Of a document; undefined for a round that it sat out. */
export function nanosecondsByRound(entry: RacingEntry): readonly (number | undefined)[] {
  return entry.samples.map((sample) => sample?.nanosecondsPerDocument);
}

/** Of a document, in the rounds that it took part in. */
export function times(entry: RacingEntry): readonly number[] {
  return nanosecondsByRound(entry).filter((time) => time !== undefined);
}

/** Adds what a row took in a round, if it took part. */
export function withSample(entry: RacingEntry, round: number, sample: ProcessSample | undefined): RacingEntry {
  if (sample === undefined) return entry;
  const samples = Array.from({ length: round + 1 }, (_, i) => (i === round ? sample : entry.samples[i]));
  return { ...entry, samples };
}

/** What a failure becomes in the table. Anything but a failure of the implementation is a bug of ours, and is thrown on. */
export function refusalOf(error: unknown): Refusal {
  if (error instanceof WrongLaps) return { status: 'mismatch', reason: error.message };
  if (error instanceof UnsupportedTask) return { status: 'unsupported', reason: error.message };
  if (error instanceof OutOfTime) return { status: 'error', reason: error.message };
  if (error instanceof ImplementationFailure) return { status: 'error', reason: `${error.message}${lastWords(error)}` };
  if (error instanceof NoLapLeft)
    return { status: 'unsupported', reason: 'no document is left for a lap to begin with' };
  throw error;
}

/** Of its standard error, which mostly tells what went wrong. */
function lastWords({ stderrTail }: ImplementationFailure): string {
  const line = stderrTail
    .split('\n')
    .filter((text) => text.trim() !== '')
    .at(-1);
  return line === undefined ? '' : `; the last it said there: ${quote(printableLine(line), 200)}`;
}
