import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'vitest';
import { historyRecord } from '../../results/history.ts';
import { benchResult } from '../example-result.ts';
import type { Fault } from './fault.ts';
import { checkPlanted, PATIENT } from './rows.ts';
import { type Ending, type Manifest, rightManifest, type World } from './world.ts';

const chapter = 'A file may not be read or written';

function closed(fault: string, outcome: string, attempt: (world: World) => Promise<void>): Fault {
  return { chapter, fault, outcome, where: 'unprivileged', attempt };
}

/** A command that needs the file. */
function refused(fault: string, says: RegExp, attempt: (world: World) => Promise<Ending>): Fault {
  return closed(fault, 'one line names it; exit code 2', async (world) => {
    const { stdout, stderr, exitCode } = await attempt(world);
    expect(stderr).toMatch(/^error: [^\n]+$/);
    expect(stderr).toMatch(says);
    expect([stdout, exitCode]).toEqual(['', 2]);
  });
}

/** A row that cannot be read, among others. @param names of what may not be read, in its folder */
function unlisted(fault: string, says: RegExp, ...names: readonly string[]): Fault {
  return closed(fault, 'one line names it; the other rows are listed; exit code 2', async (world) => {
    const folder = await world.plant('broken', rightManifest);
    await world.plant('zz-right', rightManifest);
    const { stdout, stderr, exitCode } = await run(world, join(folder, ...names), ['list', '--impls', world.impls]);
    expect(stderr).toMatch(says);
    expect(stdout).toMatch(/zz-right/);
    expect(exitCode).toBe(2);
  });
}

async function written(file: string, text: string): Promise<string> {
  await writeFile(file, text);
  return file;
}

/** A row that needs its file notes.txt, which may not be read. */
function broken(fault: string, says: RegExp, manifest: Manifest): Fault {
  return closed(fault, 'the row is `error` and says so; the others are verified; exit code 1', async (world) => {
    const folder = await world.plant('broken', { ...rightManifest, ...manifest });
    const file = await written(join(folder, 'notes.txt'), '');
    const row = await world.whileClosed(file, UNREADABLE, () => checkPlanted(world, 'broken', PATIENT, UNPRIVILEGED));
    expect(row).toMatchObject({ status: 'error', reason: expect.stringMatching(says), exitCode: 1 });
  });
}

const UNPRIVILEGED = { unprivileged: true } as const;
const [UNREADABLE, UNWRITABLE] = [0, 0o555];

const run = (world: World, path: string, words: readonly string[], mode = UNREADABLE): Promise<Ending> =>
  world.whileClosed(path, mode, () => world.run(words, UNPRIVILEGED));

async function folderOf(world: World, name: string): Promise<string> {
  await mkdir(world.path(name));
  return world.path(name);
}

const CHECK = ['check', 'analytic', '--steps', '2'];

export const permissionFaults: readonly Fault[] = [
  unlisted('A folder of a row may not be read', /^error: .*broken.impl\.json: the folder cannot be read \(EACCES\)$/),
  unlisted('A manifest may not be read', /^error: .*broken.impl\.json: cannot be read \(EACCES\)$/, 'impl.json'),
  refused('The folder of rows may not be read', /impls is not a folder that can be read/, (world) =>
    run(world, world.impls, ['list', '--impls', world.impls]),
  ),
  refused('A data set may not be read', /documents\.txt.*EACCES/, async (world) => {
    const file = await written(world.path('documents.txt'), 'anna\notto\n');
    return run(world, file, [...CHECK, '--dataset', file]);
  }),
  refused('A stored result may not be read', /result\.json.*EACCES/, async (world) => {
    const file = await written(world.path('result.json'), JSON.stringify(benchResult()));
    return run(world, file, ['merge', file]);
  }),
  refused('The history may not be read', /history\.ndjson.*EACCES/, async (world) => {
    const file = join(world.results, 'history.ndjson');
    await written(file, `${JSON.stringify(historyRecord(benchResult()))}\n`);
    return run(world, file, ['history', '--file', file]);
  }),
  refused(
    'The folder of results may not be read, nor written',
    /--results .*kept cannot be written to; name another folder/,
    async (world) => {
      const folder = await folderOf(world, 'kept');
      return run(world, folder, ['bench', 'analytic', '--quick', '--results', folder]);
    },
  ),
  refused(
    'The folder of results may not be read, and the newest is to be shown',
    /--results .*kept: .*EACCES/,
    async (world) => {
      const folder = await folderOf(world, 'kept');
      return run(world, folder, ['show', '--results', folder]);
    },
  ),
  refused(
    'The history may not be written to',
    /history\.ndjson: got something else than a file that can be/,
    async (world) => {
      const file = await written(join(world.results, 'history.ndjson'), '');
      return run(world, file, ['bench', 'analytic', '--quick', '--results', world.results], UNWRITABLE);
    },
  ),
  refused(
    '`--json` lies in a folder that may not be written to',
    /--json .*kept cannot be written to/,
    async (world) => {
      const folder = await folderOf(world, 'kept');
      return run(world, folder, [...CHECK, '--json', join(folder, 'out.json')], UNWRITABLE);
    },
  ),
  refused(
    'A new row is to lie in a folder that may not be written to',
    /cannot make the folder .*new-row: EACCES/,
    (world) => run(world, world.impls, ['new', 'new-row', '--impls', world.impls], UNWRITABLE),
  ),
  broken('The module of a row may not be read', /broken: .*EACCES/, { run: { module: 'notes.txt' } }),
  broken('An input of a build may not be read', /notes\.txt, an input of its build, cannot be read \(EACCES\)/, {
    build: { command: ['true'], inputs: ['notes.txt'] },
  }),
  closed('A file that a row does not need may not be read', 'the row is timed all the same', async (world) => {
    const file = await written(join(await world.plant('zz-right', rightManifest), 'notes.txt'), '');
    const own = ['--impls', world.impls, '--results', world.results];
    const { stdout, exitCode } = await run(world, file, ['bench', 'zz-right', '--quick', '--rounds', '1', ...own]);
    expect(stdout).toMatch(/zz-right.*×1\.0/);
    expect(exitCode).toBe(0);
  }),
  closed('A folder of a row may not be written to', 'the row is verified all the same', async (world) => {
    const folder = await world.plant('zz-right', rightManifest);
    const words = ['check', 'zz-right', '--impls', world.impls, '--steps', '2'];
    expect((await run(world, folder, words, UNWRITABLE)).exitCode).toBe(0);
  }),
  closed(
    'A row is to be built, and the cache may not be written to',
    'the row is `error` and says so; the others are verified; exit code 1',
    async (world) => {
      const project = await world.copyProject();
      const cache = await folderOf(world, join('project', '.cache'));
      await world.plant('built', { ...rightManifest, build: { command: ['true'], inputs: ['impl.json'] } });
      const row = await world.whileClosed(cache, UNWRITABLE, () =>
        checkPlanted(world, 'built', PATIENT, { ...UNPRIVILEGED, project }),
      );
      expect(row).toMatchObject({
        status: 'error',
        reason: expect.stringMatching(/no place for its build; .*EACCES/),
        exitCode: 1,
      });
    },
  ),
];
