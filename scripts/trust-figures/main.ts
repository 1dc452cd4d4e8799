import { rm } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { Command, Option } from 'commander';
import { positiveNumber } from '../../harness/cli/flags.ts';
import { runScript } from '../../harness/cli/run-program.ts';
import { discoverImplementations, isBroken, selectImplementations } from '../../harness/program/discover.ts';
import { UsageError } from '../../harness/usage-error.ts';
import { benchOnce, besideBusyProcess, compareOnce, overheadOnce } from './measure.ts';
import { keepFigures } from './page.ts';
import { type Record, readRecord, saveRecord } from './record.ts';
import { figuresTable } from './report.ts';
import { slowedRevision } from './slowed-revision.ts';
import { measureStatistics } from './statistics.ts';
import { measureVerification } from './verification.ts';

const project = resolve(import.meta.dirname, '../..');
const recordFile = join(project, '.cache', 'trust-figures.json');

/** Measured in this order. */
const pieces = ['slowed10', 'slowed20', 'sameCalm', 'sameLoaded', 'overhead', 'coverage'] as const;

interface Flags {
  readonly minutes: number;
  readonly only: readonly (typeof pieces)[number][];
  readonly restart?: true;
}

async function measure(words: readonly string[], { minutes, only, restart }: Flags): Promise<void> {
  const [slowed, other] = words;
  if (words.length === 1 && slowed === 'statistics') return measureStatistics();
  if (words.length === 1 && slowed === 'verification') return measureVerification(minutes);
  const named = selectImplementations(await discoverImplementations(), words);
  if (named.length !== 2 || named.some((one) => isBroken(one) || !('module' in one.manifest.run)))
    throw new UsageError(
      `trust-figures: got ${words.join(' ')}; expected statistics, verification, or two TypeScript implementations; see --help`,
    );
  if (restart) await rm(recordFile, { force: true });
  const deadline = performance.now() + minutes * 60_000;
  const record = await readRecord(recordFile);
  /** How many runs of each piece are needed, and how one is measured. */
  const wanted: {
    readonly [Piece in keyof Record]: { readonly runs: number; readonly once: () => Promise<Record[Piece][number]> };
  } = {
    slowed10: { runs: 10, once: async () => compareOnce(await slowedRevision(project, slowed, 0.1), [slowed, other]) },
    slowed20: { runs: 10, once: async () => compareOnce(await slowedRevision(project, slowed, 0.2), [slowed, other]) },
    sameCalm: { runs: 10, once: () => compareOnce('HEAD', [slowed, other]) },
    sameLoaded: { runs: 10, once: () => besideBusyProcess(() => compareOnce('HEAD', [slowed, other])) },
    overhead: { runs: 20, once: () => overheadOnce(other) },
    coverage: { runs: 30, once: () => benchOnce(slowed) },
  };
  const measurePiece = async <Piece extends keyof Record>(piece: Piece, round: number): Promise<void> => {
    const { runs, once } = wanted[piece];
    const done: Record[Piece][number][] = record[piece];
    if (done.length >= Math.min(runs, round) || performance.now() > deadline) return;
    const found = await once();
    done.push(found);
    await saveRecord(recordFile, record);
    console.log(`${piece} ${done.length} of ${runs}: ${JSON.stringify(found)}`);
  };
  // One run of each piece after the other: whatever the time allows, no piece is left out.
  for (let round = 1; only.some((piece) => wanted[piece].runs >= round); round++)
    for (const piece of only) await measurePiece(piece, round);
  console.log(figuresTable(record));
  await keepFigures('npm run trust-figures', figuresTable(record).trimEnd());
}

process.exitCode = await runScript(
  new Command('trust-figures')
    .usage('[options] statistics | verification | SLOWED OTHER')
    .description('measure what docs/trust.md promises, and write the figures into that page')
    .argument(
      '<what...>',
      'statistics: its promises, simulated, in a minute; verification: right trainers in every arithmetic, of which none may be refused; SLOWED OTHER: two TypeScript implementations, of which one is slowed on purpose and compared again and again, and the other runs beside it: an hour or two in all, each run is kept in .cache, and the next call goes on',
    )
    .addOption(new Option('--minutes <n>', 'stop then').argParser(positiveNumber).default(60))
    .addOption(new Option('--only <piece...>', 'of SLOWED OTHER').choices(pieces).default(pieces, 'all'))
    .option('--restart', 'measure anew, after the code has changed')
    .action(measure),
);
