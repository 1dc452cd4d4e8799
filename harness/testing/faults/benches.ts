import { execFileSync } from 'node:child_process';
import { mkdir, readdir, readFile, rm, symlink, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'vitest';
import { thisMachine } from '../../measure/machine.ts';
import { historyRecord, readHistory } from '../../results/history.ts';
import { benchResultSchema, type Row } from '../../results/schema.ts';
import { readResult, readResults } from '../../results/store.ts';
import { benchResult, verifiedRow } from '../example-result.ts';
import type { Fault } from './fault.ts';
import {
  type Ending,
  expectPlain,
  mountTiny,
  type RunOptions,
  rightManifest,
  type World,
  waywardManifest,
} from './world.ts';

const rows = 'A row spoils a benchmark';
const places = 'What a benchmark measured cannot be kept';
const interrupts = 'The run is interrupted';

const refusedFirst = 'one line says so before anything runs; exit code 2';

/** Benchmarks the right row, and what else is named, as shortly as can be. */
async function bench(world: World, words: readonly string[], options: RunOptions = {}): Promise<Ending> {
  return world.run(await benchWords(world, words), options);
}

async function benchWords(world: World, words: readonly string[]): Promise<readonly string[]> {
  await world.plant('zz-right', rightManifest);
  const limit = ['--rounds', '--budget'].some((flag) => words.includes(flag)) ? [] : ['--rounds', '1'];
  const own = ['--impls', world.impls, '--results', world.results, '--timeout', '20'];
  return ['bench', 'zz-right', '--quick', ...limit, ...own, ...words];
}

/** The right row has a time, whatever the others do. */
function expectTimed(rows: readonly Row[]): void {
  const right = rows.find(({ implementation }) => implementation === 'zz-right');
  expect(right?.status, JSON.stringify(right)).toBe('verified');
}

/** A row that breaks late, or lies about time: it has no time, and the right row has one. */
function spoils(fault: string, status: Row['status'], says: RegExp): Fault {
  return {
    chapter: rows,
    fault: `A row ${fault} while others are benchmarked`,
    outcome: `the row is \`${status}\`; the others are timed and kept; exit code 1`,
    attempt: async (world) => {
      await world.plant('wayward', waywardManifest(fault));
      const { stdout, exitCode } = await bench(world, ['wayward', '--rounds', '2', '--json', '-']);
      const { rows } = benchResultSchema.parse(JSON.parse(stdout));
      const wayward = rows.find(({ implementation }) => implementation === 'wayward');
      expectTimed(rows);
      expect(wayward).toMatchObject({ status, reason: expect.stringMatching(says) });
      expect(exitCode).toBe(1);
    },
  };
}

/** Of `--budget`, in seconds. */
const BUDGET = 20;

/** Benchmarks rows that take all the time they are given, an hour by this `--timeout`: the run ends in time. The first one hangs. */
async function benchOverspending(world: World, ...faults: readonly string[]): Promise<readonly Row[]> {
  for (const [i, fault] of faults.entries()) await world.plant(`wayward-${i}`, waywardManifest(fault));
  const words = ['--budget', String(BUDGET), '--json', '-', '--timeout', '3600'];
  const { stdout, exitCode } = await bench(world, [...faults.map((_, i) => `wayward-${i}`), ...words]);
  const { rows, roundsSeconds } = benchResultSchema.parse(JSON.parse(stdout));
  expect(roundsSeconds).toBeGreaterThan(0);
  expect(roundsSeconds).toBeLessThan(1.5 * BUDGET);
  expect(rows.find(({ implementation }) => implementation === 'wayward-0')).toMatchObject(ENDED_BY_BUDGET);
  expect(exitCode).toBe(1);
  return rows;
}

const ENDED_BY_BUDGET = { status: 'error', reason: expect.stringMatching(/--budget/) };

/** A row that is right until it is timed. */
function overspends(fault: string): Fault {
  return {
    chapter: rows,
    fault: `A row ${fault}`,
    outcome: 'it is ended at its share of `--budget`; the others are timed and kept; exit code 1',
    attempt: async (world) => expectTimed(await benchOverspending(world, fault)),
  };
}

/** Nothing runs. */
function refused(
  fault: string,
  says: RegExp,
  words: (world: World) => Promise<readonly string[]>,
  where?: Fault['where'],
): Fault {
  return {
    chapter: places,
    fault,
    outcome: refusedFirst,
    ...(where === undefined ? {} : { where }),
    attempt: async (world) => {
      const { stdout, stderr, exitCode } = await bench(world, await words(world));
      expect(stderr).toMatch(/^error: [^\n]+$/);
      expect(stderr).toMatch(says);
      expect([stdout, exitCode]).toEqual(['', 2]);
    },
  };
}

/** The table is there; what could not be kept is said in one line after it. */
function unkept(
  fault: string,
  says: RegExp,
  attempt: (world: World) => Promise<Ending>,
  where?: Fault['where'],
): Fault {
  return {
    chapter: places,
    fault,
    outcome: 'the table is printed and all else is written; then one line says what is not kept; exit code 2',
    ...(where === undefined ? {} : { where }),
    attempt: async (world) => {
      const { stdout, stderr, exitCode } = await attempt(world);
      expect(stdout).toMatch(/zz-right.*×1\.0/);
      expect(stderr.match(/^error: .*$/gm)).toEqual([expect.stringMatching(says)]);
      expect(exitCode).toBe(2);
    },
  };
}

/** A published file of the project is damaged: our own figures do not depend on it. */
function unpublished(fault: string, file: string, damage: (path: string) => Promise<unknown>): Fault {
  return {
    chapter: places,
    fault,
    outcome: 'the table is printed and kept, and warns that published claims are left out; exit code 0',
    attempt: async (world) => {
      const project = await world.copyProject();
      await damage(join(project, 'results', file));
      const { stdout, exitCode } = await bench(world, [], { project });
      expect(stdout).toMatch(/zz-right.*×1\.0/);
      expect(stdout.replaceAll(/\s+/g, ' ')).toMatch(/published claims are left out/);
      expect(await storedResult(world)).toBeDefined();
      expect(exitCode).toBe(0);
    },
  };
}

async function storedResult(world: World) {
  const [name] = (await readdir(world.results)).filter((file) => file.endsWith('.json'));
  return readResult(join(world.results, name));
}

/** A run that goes on for ever, once its first round is kept. */
async function startEndless(world: World, rounds = '1000', options: RunOptions = {}, words: readonly string[] = []) {
  const running = world.start(await benchWords(world, ['--rounds', rounds, ...words]), options);
  let progress = '';
  await new Promise<void>((resolve) => {
    running.stderr?.on('data', (text: unknown) => {
      progress += String(text);
      if (progress.includes('round 1 done')) resolve();
    });
    void running.then(() => resolve());
  });
  return { running };
}

const tiny = (fault: string, says: RegExp, words: (folder: string) => readonly string[]): Fault =>
  unkept(
    fault,
    says,
    async (world) => {
      const full = world.path('full');
      await mkdir(full);
      mountTiny(full);
      try {
        // Room for nothing: the file system has 8 KiB.
        await writeFile(join(full, 'filler'), new Uint8Array(4096));
        await writeFile(join(full, 'history.ndjson'), new Uint8Array(4096).fill(10));
        // A quick run is not added to the history.
        return await world.run((await benchWords(world, words(full))).filter((word) => word !== '--quick'));
      } finally {
        execFileSync('umount', [full]);
      }
    },
    'mounts',
  );

export const benchFaults: readonly Fault[] = [
  spoils('breaks in the gauntlet', 'error', /ended with exit code 7/),
  spoils('breaks in round 1', 'error', /ended with exit code 7.*the last words/),
  spoils('breaks in its witness', 'error', /ended with exit code 7.*the last words/),
  spoils('breaks in round 2', 'error', /ended with exit code 7.*the last words/),
  spoils('counts a tenth of its time', 'mismatch', /./),
  overspends('hangs in round 1 before it is ready'),
  overspends('hangs in round 1 in `parameters`'),
  overspends('sleeps before every answer in round 1'),
  overspends('floods standard error in round 1'),
  {
    chapter: rows,
    fault: 'A row hangs in round 1, and another needs more than `--budget` for its fewest rounds',
    outcome: 'the run ends within 1.5 times of `--budget`, and keeps the rounds that there were; exit code 1',
    attempt: async (world) => {
      const slow = 'takes seconds for every step of its task';
      const rows = await benchOverspending(world, 'hangs in round 1 in `train`', slow);
      for (const row of rows) if (row.status !== 'verified') expect(row).toMatchObject(ENDED_BY_BUDGET);
    },
  },
  spoils('removes its task files', 'error', /wayward: changed or removed the files of its task/),
  spoils('overwrites its task files', 'error', /wayward: changed or removed the files of its task/),
  {
    chapter: rows,
    fault: 'A build hangs while others are benchmarked',
    outcome: 'the row is ended at the most that it may take to be verified; the others are timed; exit code 1',
    attempt: async (world) => {
      const build = { command: ['sleep', '1000'], inputs: ['impl.json'] };
      await world.plant('wayward', { ...waywardManifest('none'), build });
      const { stdout, exitCode } = await bench(world, ['wayward', '--rounds', '1', '--json', '-', '--timeout', '4']);
      const { rows } = benchResultSchema.parse(JSON.parse(stdout));
      expectTimed(rows);
      expect(rows.find(({ implementation }) => implementation === 'wayward')).toMatchObject({
        status: 'error',
        reason: expect.stringMatching(/the most for its verification/),
      });
      expect(exitCode).toBe(1);
    },
  },
  {
    chapter: rows,
    fault: 'A row sleeps before every answer',
    outcome: 'it is ended at its share, four times `--timeout` to be verified in; the others go on and the run ends',
    attempt: async (world) => {
      await world.plant('wayward', waywardManifest('sleeps before every answer'));
      const words = ['wayward', '--budget', String(BUDGET), '--json', '-', '--timeout', '4'];
      const { stdout, exitCode } = await bench(world, words);
      const { rows, roundsSeconds } = benchResultSchema.parse(JSON.parse(stdout));
      expectTimed(rows);
      expect(roundsSeconds).toBeLessThan(1.5 * BUDGET);
      expect(rows.find(({ implementation }) => implementation === 'wayward')).toMatchObject({
        status: 'error',
        reason: expect.stringMatching(/--timeout/),
      });
      expect(exitCode).toBe(1);
    },
  },
  {
    chapter: interrupts,
    fault: 'Ctrl-Z and `fg`, while a row is timed',
    outcome: 'that process of the row is timed again: no time holds the pause',
    where: 'linux',
    attempt: async (world) => {
      await world.plant('wayward', waywardManifest('is stopped together with the tool in its timed lap'));
      const { stdout, exitCode } = await bench(world, ['wayward', '--json', '-']);
      const { rows } = benchResultSchema.parse(JSON.parse(stdout));
      const wayward = rows.find(({ implementation }) => implementation === 'wayward');
      if (wayward?.status !== 'verified') throw new Error(`wayward: ${JSON.stringify(wayward)}`);
      const slowestLap = (Math.max(...wayward.roundsMicrosecondsPerSample) * wayward.samplesPerLap) / 1e6;
      expect(slowestLap).toBeLessThan(4);
      expect(exitCode).toBe(0);
    },
  },
  {
    chapter: rows,
    fault: 'A size would take CPython an hour',
    outcome: 'one line says how long, and that `--yes` goes on; exit code 2',
    attempt: async (world) => {
      const { stdout, stderr, exitCode } = await bench(world, ['--n-embd', '448']);
      expect(stderr).toMatch(/^error: about [\d,]+ min: .* steps of .* each; --yes to go on$/);
      expect([stdout, exitCode]).toEqual(['', 2]);
    },
  },
  {
    chapter: rows,
    fault: 'A row took a minute a step when it was last timed here',
    outcome: 'one line says how long, and that `--yes` goes on; exit code 2',
    attempt: async (world) => {
      const [row] = historyRecord(benchResult({ rows: [verifiedRow()] })).rows;
      if (row === undefined) throw new Error('no row in the example');
      const slow = { ...row, implementation: 'zz-right', microsecondsPerSample: { median: 6e7, low: 6e7, high: 6e7 } };
      const record = { ...historyRecord(benchResult()), machine: thisMachine(), rows: [slow] };
      await writeFile(join(world.results, 'history.ndjson'), `${JSON.stringify(record)}\n`);
      const { stdout, stderr, exitCode } = await bench(world, []);
      expect(stderr).toMatch(/^error: about [\d,]+ min: zz-right \d+ steps of .* each; --yes to go on$/);
      expect([stdout, exitCode]).toEqual(['', 2]);
    },
  },
  refused('`--results` is a file', /--results .*got a file/, async (world) => {
    await writeFile(world.path('file'), '');
    return ['--results', world.path('file')];
  }),
  refused('`--results` lies below a file', /--results .*got a file/, async (world) => {
    await writeFile(world.path('file'), '');
    return ['--results', world.path('file', 'results')];
  }),
  refused('The history is a folder', /history\.ndjson: got something else/, async (world) => {
    await mkdir(world.path('kept', 'history.ndjson'), { recursive: true });
    return ['--results', world.path('kept')];
  }),
  refused(
    'The history is a link to a device',
    /history\.ndjson: got something else/,
    async (world) => {
      await mkdir(world.path('kept'));
      await symlink('/dev/full', world.path('kept', 'history.ndjson'));
      return ['--results', world.path('kept')];
    },
    'linux',
  ),
  refused('`--json` and `--export` name one file', /already taken by --json/, async (world) => [
    ...['--json', world.path('out'), '--export', `csv=${world.path('out')}`],
  ]),
  refused('Two `--export` name one file', /already taken by --export/, async (world) => [
    ...['--export', `csv=${world.path('out')}`, '--export', `markdown=${world.path('impls', '..', 'out')}`],
  ]),
  refused('`--json` names the history', /already taken/, async (world) => [
    ...['--json', join(world.results, 'history.ndjson')],
  ]),
  refused('`--json` and `--export` both want standard output', /standard output is already taken/, async () => [
    ...['--json', '-', '--export', 'csv=-'],
  ]),
  {
    chapter: places,
    fault: '`merge` is to write over a result that it reads',
    outcome: 'one line says so, and the result is as it was; exit code 2',
    attempt: async (world) => {
      const file = world.path('result.json');
      await writeFile(file, JSON.stringify(benchResult()));
      const { stderr, exitCode } = await world.run(['merge', file, '--json', file]);
      expect(stderr).toMatch(/^error: .*a file that is read.*$/);
      expect(await readFile(file, 'utf8')).toBe(JSON.stringify(benchResult()));
      expect(exitCode).toBe(2);
    },
  },
  tiny('The disk of the results is full', /results cannot be kept.*ENOSPC.*not in the history/, (folder) => [
    '--results',
    folder,
  ]),
  unkept(
    'The `--json` of a benchmark goes to a full device',
    /--json \/dev\/full.*ENOSPC/,
    async (world) => {
      const ending = await bench(world, ['--json', '/dev/full']);
      expect((await storedResult(world)).rows).toHaveLength(1);
      return ending;
    },
    'linux',
  ),
  {
    chapter: places,
    fault: 'A row is wrong, and the `--json` of the benchmark goes to a full device',
    outcome: 'the table is printed and kept; then one line says what is not kept; exit code 1, for the row is wrong',
    where: 'linux',
    attempt: async (world) => {
      await world.plant('wayward', waywardManifest('answers with null losses'));
      const { stdout, stderr, exitCode } = await bench(world, ['wayward', '--rounds', '1', '--json', '/dev/full']);
      expect(stdout).toMatch(/zz-right.*×1\.0/);
      expect(stderr.match(/^error: .*$/gm)).toEqual([expect.stringMatching(/--json \/dev\/full.*ENOSPC/)]);
      expect((await storedResult(world)).rows).toHaveLength(2);
      expect(exitCode).toBe(1);
    },
  },
  {
    chapter: places,
    fault: 'A golden trace is damaged while `bench --scaling` is at its first size',
    outcome: 'the sizes that could be measured are printed and kept; then one line says what failed; exit code 2',
    attempt: async (world) => {
      const project = await world.copyProject();
      const { running } = await startEndless(world, '1', { project }, ['--scaling', '--json', world.path('all.json')]);
      await writeFile(join(project, 'reference', 'golden', 'stray.json'), '{}');
      const { exitCode, stdout, stderr } = await running;
      expect(stdout).toMatch(/zz-right/);
      expect(String(stderr).match(/^error: .*$/gm)).toEqual([expect.stringMatching(/d32: .*stray\.json.*; d64: /)]);
      expect((await storedResult(world)).rows).toMatchObject([{ status: 'verified' }]);
      expect(await readResults(world.path('all.json'))).toHaveLength(1);
      expect(exitCode).toBe(2);
    },
  },
  {
    chapter: places,
    fault: 'Two benchmarks begin at once',
    outcome: 'each keeps its own result, and both are in the history',
    attempt: async (world) => {
      const words = (await benchWords(world, ['--yes'])).filter((word) => word !== '--quick');
      const endings = await Promise.all([world.run(words), world.run(words)]);
      expect(endings.map(({ exitCode }) => exitCode)).toEqual([0, 0]);
      const kept = (await readdir(world.results)).filter((file) => file.endsWith('.json'));
      expect(kept).toHaveLength(2);
      expect((await readHistory(join(world.results, 'history.ndjson'))).records).toHaveLength(2);
    },
  },
  unpublished('The published figures are missing', 'published.json', rm),
  unpublished('The published figures are cut off', 'published.json', (file) => truncate(file, 50)),
  unpublished('The published claims are missing', 'claims.json', rm),
  ...(
    [
      ['the table', []],
      ['`--json -`', ['--json', '-']],
    ] as const
  ).map(
    ([what, words]): Fault => ({
      chapter: places,
      fault: `The reader of ${what} goes away`,
      outcome: 'the result is kept all the same',
      attempt: async (world) => {
        const running = world.start(await benchWords(world, words));
        running.stdout?.destroy();
        expect((await running).exitCode).toBe(0);
        expect((await storedResult(world)).rows).toHaveLength(1);
      },
    }),
  ),
  {
    chapter: interrupts,
    fault: 'Ctrl-C in the middle of a benchmark',
    outcome: 'what was measured is printed and kept, and it is said where; exit code 130',
    where: 'posix',
    attempt: async (world) => {
      const { running } = await startEndless(world);
      running.kill('SIGINT');
      const { exitCode, stdout, stderr } = await running;
      expectPlain({ stdout: String(stdout), stderr: String(stderr) });
      expect(stdout).toMatch(/interrupted; what was measured is in /);
      expect((await storedResult(world)).rows).toHaveLength(1);
      expect(exitCode).toBe(130);
    },
  },
  {
    chapter: interrupts,
    fault: 'A benchmark was interrupted, and `bench --resume` goes on with it',
    outcome: 'the rounds of both runs are in one finished result',
    where: 'posix',
    attempt: async (world) => {
      const { running } = await startEndless(world, '4');
      running.kill('SIGINT');
      await running;
      const before = await storedResult(world);
      expect(before.unfinished).toBe(true);
      const { exitCode } = await world.run(['bench', '--resume', '--results', world.results]);
      expect(exitCode).toBe(0);
      const after = await storedResult(world);
      expect(after.unfinished).toBeUndefined();
      expect(after.createdAt).toBe(before.createdAt);
      expect(after.laps.firstDocuments.slice(0, before.laps.firstDocuments.length)).toEqual(before.laps.firstDocuments);
      expect(after.rows).toMatchObject([{ roundsMicrosecondsPerSample: { length: 4 } }]);
    },
  },
  {
    chapter: interrupts,
    fault: 'A row was changed before `bench --resume`',
    outcome: 'one line says what has changed, and the rounds that there are stay as they were; exit code 2',
    where: 'posix',
    attempt: async (world) => {
      const { running } = await startEndless(world);
      running.kill('SIGINT');
      await running;
      const before = await storedResult(world);
      await writeFile(join(world.impls, 'zz-right', 'new.ts'), '');
      const { stderr, exitCode } = await world.run(['bench', '--resume', '--results', world.results]);
      expect(stderr.match(/^error: .*$/gm)).toEqual([expect.stringMatching(/--resume: got the sources of zz-right/)]);
      expect(await storedResult(world)).toEqual(before);
      expect(exitCode).toBe(2);
    },
  },
  {
    chapter: rows,
    fault: "A row's files are changed during the run",
    outcome: 'the row is `error` and names the file: no times of two versions are kept as one; exit code 1',
    attempt: async (world) => {
      const { running } = await startEndless(world);
      await writeFile(
        join(world.impls, 'zz-right', 'impl.json'),
        JSON.stringify({ ...rightManifest, technique: 'new' }),
      );
      expect((await running).exitCode).toBe(1);
      expect((await storedResult(world)).rows).toMatchObject([
        { status: 'error', reason: expect.stringMatching(/impl\.json was changed during the run/) },
      ]);
    },
  },
  {
    chapter: rows,
    fault: 'Another commit is checked out during the run',
    outcome: 'the result is kept under neither commit, and warns of it',
    attempt: async (world) => {
      const project = await world.copyProject();
      const git = (...words: readonly string[]) =>
        execFileSync('git', ['-c', 'user.name=test', '-c', 'user.email=test@example.org', ...words], { cwd: project });
      git('init', '--quiet');
      git('commit', '--quiet', '--allow-empty', '--message', 'first');
      const { running } = await startEndless(world, '2', { project });
      git('commit', '--quiet', '--allow-empty', '--message', 'second');
      expect((await running).exitCode).toBe(0);
      const { commit, noise } = await storedResult(world);
      expect(commit).toBeUndefined();
      expect(noise.warnings).toContainEqual(expect.stringMatching(/^the project was at .* kept under neither$/));
    },
  },
  {
    chapter: interrupts,
    fault: '`bench --resume` where no run was interrupted',
    outcome: refusedFirst,
    attempt: async (world) => {
      const { stdout, stderr, exitCode } = await world.run(['bench', '--resume', '--results', world.results]);
      expect(stderr).toMatch(/^error: --resume: got no interrupted run in .*$/);
      expect([stdout, exitCode]).toEqual(['', 2]);
    },
  },
  {
    chapter: interrupts,
    fault: 'The tool is killed outright in the middle of a benchmark',
    outcome: 'the rounds before are kept, and nothing that it started goes on',
    where: 'linux',
    attempt: async (world) => {
      const { running } = await startEndless(world);
      running.kill('SIGKILL');
      await running;
      await world.expectEnded();
      expect((await storedResult(world)).rows).toHaveLength(1);
    },
  },
];
