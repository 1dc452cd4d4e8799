/**
 * `npm run trust-figures -- statistics`
 *
 * Tests the promises of the statistics by simulation. Takes a minute.
 *
 * `npm run trust-figures -- verification [--minutes N]`
 *
 * Verifies right trainers, in every arithmetic: none may be refused. Stops after --minutes.
 *
 * `npm run trust-figures -- SLOWED OTHER [--minutes N] [--only NAME,…] [--restart]`
 *
 * Measures what docs/trust.md promises, on two TypeScript implementations, and writes the figures into that page. SLOWED is slowed on
 * purpose and timed again and again. OTHER runs beside it, and gives the overhead. All of it takes an hour or two. Every run is kept in
 * .cache: the command stops after --minutes, and continues the next time. If the code has changed meanwhile, --restart begins anew.
 */
import { readFile, rm, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { benchOnce, besideBusyProcess, compareOnce, overheadOnce } from './measure.ts';
import { type Record, readRecord, saveRecord } from './record.ts';
import { figuresTable, withFigures } from './report.ts';
import { slowedRevision } from './slowed-revision.ts';
import { measureStatistics } from './statistics.ts';
import { measureVerification } from './verification.ts';

const project = resolve(import.meta.dirname, '../..');
const recordFile = join(project, '.cache', 'trust-figures.json');
const page = join(project, 'docs', 'trust.md');

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { minutes: { type: 'string', default: '60' }, only: { type: 'string' }, restart: { type: 'boolean' } },
});
if (positionals[0] === 'statistics') {
  await measureStatistics();
  process.exit(0);
}
if (positionals[0] === 'verification') {
  await measureVerification(Number(values.minutes));
  process.exit(0);
}
const [slowed, other] = positionals;
if (slowed === undefined || other === undefined) {
  console.error('expected two TypeScript implementations: npm run trust-figures -- SLOWED OTHER');
  process.exit(2);
}
if (values.restart) await rm(recordFile, { force: true });

/** How many runs of each piece are needed, and how one is measured. */
const pieces: {
  readonly [Piece in keyof Record]: { readonly runs: number; readonly once: () => Promise<Record[Piece][number]> };
} = {
  slowed10: { runs: 10, once: async () => compareOnce(await slowedRevision(project, slowed, 0.1), [slowed, other]) },
  slowed20: { runs: 10, once: async () => compareOnce(await slowedRevision(project, slowed, 0.2), [slowed, other]) },
  sameCalm: { runs: 10, once: () => compareOnce('HEAD', [slowed, other]) },
  sameLoaded: { runs: 10, once: () => besideBusyProcess(() => compareOnce('HEAD', [slowed, other])) },
  overhead: { runs: 20, once: () => overheadOnce(other) },
  coverage: { runs: 30, once: () => benchOnce(slowed) },
};

const deadline = performance.now() + Number(values.minutes) * 60_000;
const record = await readRecord(recordFile);

async function measure<Piece extends keyof Record>(piece: Piece): Promise<void> {
  const { runs, once } = pieces[piece];
  const done: Record[Piece][number][] = record[piece];
  while (done.length < runs && performance.now() < deadline) {
    const found = await once();
    done.push(found);
    await saveRecord(recordFile, record);
    console.log(`${piece} ${done.length} of ${runs}: ${JSON.stringify(found)}`);
  }
}

const wanted = values.only?.split(',');
for (const piece of ['slowed10', 'slowed20', 'sameCalm', 'sameLoaded', 'overhead', 'coverage'] as const) {
  if (wanted === undefined || wanted.includes(piece)) await measure(piece);
}
console.log(figuresTable(record));
await writeFile(page, withFigures(await readFile(page, 'utf8'), record));
