import { execFileSync } from 'node:child_process';
import { appendFile, mkdir, readdir, readFile, rm, symlink, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'vitest';
import { historyRecord } from '../../results/history.ts';
import { benchResult, refusedRow, verifiedRow } from '../example-result.ts';
import type { Fault } from './fault.ts';
import { rightManifest, type World } from './world.ts';

const chapter = 'A stored file is damaged';

const oneLine = 'one line names the file and what to do; exit code 2';

/** Commands that read a stored result, each with a file that is damaged. */
function damagedResult(fault: string, says: RegExp, damage: (file: string) => unknown, where?: Fault['where']): Fault {
  return {
    chapter,
    fault: `A stored result ${fault}`,
    outcome: oneLine,
    ...(where === undefined ? {} : { where }),
    attempt: async (world) => {
      const file = world.path('result.json');
      await writeFile(file, JSON.stringify(benchResult()));
      await damage(file);
      const { stdout, stderr, exitCode } = await world.run(['merge', file]);
      expect(stderr).toMatch(/^error: .*result\.json.*$/);
      expect(stderr).toMatch(says);
      expect(stdout).toBe('');
      expect(exitCode).toBe(2);
    },
  };
}

/** A history with one good record, and one that is damaged. */
function damagedHistory(fault: string, line: string, exitCode: 0 | 2, says: RegExp): Fault {
  return {
    chapter,
    fault: `A line of the history ${fault}`,
    outcome: 'the other lines are shown, and a warning names this one',
    attempt: async (world) => {
      const file = join(world.results, 'history.ndjson');
      await writeFile(file, `${JSON.stringify(historyRecord(benchResult()))}\n${line}\n`);
      const ending = await world.run(['history', '--file', file]);
      expect(ending.stderr).toMatch(says);
      expect(ending.stdout).not.toBe('');
      expect(ending.exitCode).toBe(exitCode);
    },
  };
}

/** A copy of the project whose own file is damaged. */
function damagedProject(
  fault: string,
  outcome: string,
  file: string,
  damage: (path: string) => unknown,
  exitCode: number,
  says: RegExp,
  size: readonly string[] = [],
): Fault {
  return {
    chapter,
    fault,
    outcome,
    attempt: async (world) => {
      const project = await world.copyProject();
      await world.plant('zz-right', rightManifest);
      const words = ['check', 'zz-right', '--impls', world.impls, '--steps', '3', ...size];
      expect((await world.run(words, { project })).exitCode).toBe(0);
      await damage(join(project, file));
      const ending = await world.run(words, { project });
      expect(ending.stdout + ending.stderr).toMatch(says);
      expect(ending.exitCode).toBe(exitCode);
    },
  };
}

const everyFileIn = (damage: (file: string) => Promise<unknown>) => async (folder: string) => {
  for (const name of await readdir(folder)) await damage(join(folder, name));
};
const cutInHalf = async (file: string) => truncate(file, Math.floor((await readFile(file)).length / 2));
const changeDigit = async (file: string) =>
  writeFile(
    file,
    (await readFile(file, 'utf8')).replace(/(?<=\[\s*\d\.\d*)\d(?=\D)/, (digit) => String((Number(digit) + 1) % 10)),
  );
const golden = 'reference/golden/us-names-2016-d16.json';

function damagedReference(fault: string, damage: (file: string) => Promise<unknown>, where?: Fault['where']): Fault {
  const again = 'it is computed again, and a warning names the file';
  const says = /warning: .*\.cache\/reference\/.*got something else than the losses of .*verified/s;
  const tried = damagedProject(fault, again, '.cache/reference', everyFileIn(damage), 0, says, ['--n-embd', '4']);
  return where === undefined ? tried : { ...tried, where };
}

export const storedFaults: readonly Fault[] = [
  damagedResult('is empty', /not JSON, or cut off/, (file) => writeFile(file, '')),
  damagedResult('is cut off', /not JSON, or cut off/, cutInHalf),
  damagedResult('is no JSON', /not JSON/, (file) => writeFile(file, 'µs a document')),
  damagedResult('is of another version', /schemaVersion/, (file) => writeFile(file, '{"schemaVersion": 0}')),
  damagedResult('has no version', /schemaVersion/, (file) => writeFile(file, '{}')),
  damagedResult('is a list', /schemaVersion/, (file) => writeFile(file, '[]')),
  damagedResult('lacks its rows', /rows/, (file) =>
    writeFile(file, JSON.stringify({ ...benchResult(), rows: undefined })),
  ),
  damagedResult('has a time below 0', /field/, (file) =>
    writeFile(file, JSON.stringify(benchResult()).replace(/"median":[\d.]+/, '"median":-1')),
  ),
  damagedResult('is missing', /is missing/, rm),
  damagedResult('is a folder', /is a folder/, async (file) => {
    await rm(file);
    await mkdir(file);
  }),
  damagedResult(
    'is a FIFO',
    /FIFO/,
    async (file) => {
      await rm(file);
      execFileSync('mkfifo', [file]);
    },
    'posix',
  ),
  damagedResult(
    'is a link to an endless device',
    /device/,
    async (file) => {
      await rm(file);
      await symlink('/dev/zero', file);
    },
    'posix',
  ),
  damagedResult('has a gigabyte', /has 1073741824 bytes/, (file) => truncate(file, 2 ** 30)),
  damagedHistory('is cut off', '{"schemaVersion":', 0, /warning: .*line 2: .*cut off/),
  damagedHistory('is of another version', '{"schemaVersion":0}', 0, /warning: .*line 2: .*schemaVersion/),
  damagedHistory('is no record', '[]', 0, /warning: .*line 2/),
  damagedHistory('has escapes', '{"schemaVersion":"\\u001b[2J\\n::error::planted"}', 0, /warning: .*line 2/),
  {
    chapter,
    fault: 'The history is a FIFO',
    outcome: oneLine,
    where: 'posix',
    attempt: async (world: World) => {
      const file = world.path('history.ndjson');
      execFileSync('mkfifo', [file]);
      const { stderr, exitCode } = await world.run(['history', '--file', file]);
      expect(stderr).toMatch(/^error: .*FIFO.*$/);
      expect(exitCode).toBe(2);
    },
  },
  damagedProject('A golden trace is cut off', oneLine, golden, cutInHalf, 2, /error: .*golden.*no golden trace/),
  damagedProject('A golden trace is missing', 'the reference is computed', golden, rm, 0, /scalar-autograd.*verified/s),
  damagedProject(
    'A golden trace has one wrong digit',
    oneLine,
    golden,
    changeDigit,
    2,
    /error: .*golden.*"sha256": not/,
  ),
  damagedProject(
    'A stray file lies among the golden traces',
    oneLine,
    'reference/golden/stray.json',
    (file) => writeFile(file, '{}'),
    2,
    /error: .*stray\.json/,
  ),
  damagedProject(
    'A file that is no trace lies among the golden traces',
    'it is left alone',
    'reference/golden/notes.txt',
    (file) => writeFile(file, ''),
    0,
    /verified/,
  ),
  damagedProject(
    'The data set was changed',
    oneLine,
    'reference/datasets/us-names-2016.txt',
    (file) => appendFile(file, 'mallory\n'),
    2,
    /SHA-256|sha256/i,
  ),
  damagedProject('The data set is missing', oneLine, 'reference/datasets/us-names-2016.txt', rm, 2, /us-names-2016/),
  damagedReference('A cached reference is cut', cutInHalf),
  {
    chapter,
    fault: 'A stored result holds a reason that begins like a formula, and a table for spreadsheets is made of it',
    outcome: 'the cell is text',
    attempt: async (world) => {
      const [result, table] = [world.path('result.json'), world.path('table.csv')];
      await writeFile(result, JSON.stringify(benchResult({ rows: [verifiedRow(), refusedRow({ reason: '=1+1' })] })));
      expect((await world.run(['show', result, '--export', `csv=${table}`])).exitCode).toBe(0);
      expect(await readFile(table, 'utf8')).toMatch(/,'=1\+1,/);
    },
  },
  {
    chapter,
    fault: 'A history holds a run that was twice as fast as the one after it',
    outcome: 'the lowest bar shows it',
    attempt: async (world) => {
      const records = [50, 100].map((median, i) => {
        const rows = [verifiedRow({ microsecondsPerSample: { median, low: median, high: median } })];
        return historyRecord(benchResult({ createdAt: `2026-01-0${i + 1}T00:00:00.000Z`, rows }));
      });
      const file = join(world.results, 'history.ndjson');
      await writeFile(file, records.map((record) => `${JSON.stringify(record)}\n`).join(''));
      const { stdout, exitCode } = await world.run(['history', '--file', file]);
      expect(stdout).toMatch(/fast.* ▁█ /);
      expect(exitCode).toBe(0);
    },
  },
  damagedReference('A cached reference has one wrong digit', changeDigit),
  damagedReference(
    'A cached reference is a FIFO',
    async (file) => {
      await rm(file);
      execFileSync('mkfifo', [file]);
    },
    'posix',
  ),
];
