import type { World } from './world.ts';

/** The chapters of docs/reliability.md. */
export const chapters = [
  'A row starts wrongly',
  'A row answers wrongly',
  'A row dies',
  'A row hangs or does not end',
  'A row leaves something behind',
  'A row writes something else than its parameters',
  'A row damages its task',
  'A row wants to see or say too much',
  'A manifest is broken',
  'A program that a row needs is broken',
  'A build fails',
  'A place for files is missing, full or something else',
  'A stored file is damaged',
  'A file may not be read or written',
  'An input makes no sense',
  'A row spoils a benchmark',
  'What a benchmark measured cannot be kept',
  'A comparison goes wrong',
  'The run is interrupted',
] as const;

/** One fault: what goes wrong, what happens then, and the try that shows it. */
export interface Fault {
  readonly chapter: (typeof chapters)[number];
  /** A sentence without its full stop: `A row exits before it is ready`. */
  readonly fault: string;
  /** What the tool does then, in a few words: `error, the others are verified`. */
  readonly outcome: string;
  /** Where it can be tried; everywhere, where left out. */
  readonly where?: 'posix' | 'linux' | 'mounts' | 'unprivileged';
  /** Makes the fault happen, runs the tool, and expects. */
  readonly attempt: (world: World) => Promise<void>;
}
