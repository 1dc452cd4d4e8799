import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { projectRoot } from '../project.ts';
import { resultPath, saveResult } from '../results/store.ts';
import { refusedCommandLine } from '../testing/command-line.ts';
import { benchResult } from '../testing/example-result.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'report-'));
});
afterEach(() => rm(folder, { recursive: true }));

const report = (...words: readonly string[]) =>
  execa(process.execPath, [join(projectRoot, 'harness/cli/main.ts'), 'report', '--results', folder, ...words], {
    reject: false,
    env: { NO_COLOR: '1' },
    cwd: projectRoot,
  });

const base = benchResult();
async function store(change: Partial<typeof base>, taskName: string): Promise<string> {
  const result = { ...base, ...change };
  const path = resultPath(result.createdAt, taskName, folder);
  await saveResult(path, result);
  return path;
}
const d64 = { ...base.task, preset: 'd64', nEmbd: 64 };

describe('bad input: one line, exit code 2, no file', () => {
  it.each([
    ['no results yet', async () => [], /got no results; expected at least one; run `npm run bench`/],
    ['a missing file', async () => [join(folder, 'none.json')], /none\.json: is missing; expected a results file/],
    [
      'an older schema',
      async () => {
        await writeFile(join(folder, 'old.json'), JSON.stringify({ ...base, schemaVersion: 1 }));
        return [join(folder, 'old.json')];
      },
      /old\.json: expected schemaVersion \d+, found 1; measure again/,
    ],
    [
      'mixed tasks',
      async () => [await store({}, 'a'), await store({ task: { ...base.task, seed: 7 } }, 'b')],
      /got a task that cannot stand beside .*other seed \(42 and 7\)/,
    ],
    [
      'losses of another task',
      async () => {
        const check = {
          schemaVersion: base.schemaVersion,
          task: d64,
          reference: { source: 'golden', losses: [1] },
          results: [],
        };
        await writeFile(join(folder, 'losses.json'), JSON.stringify(check));
        return [await store({}, 'a'), '--losses', join(folder, 'losses.json')];
      },
      /--losses .*: got losses of another task, other nEmbd \(16 and 64\)/,
    ],
    ['a folder for the page', async () => [await store({}, 'a'), '--output', folder], /got a folder; expected a file/],
    [
      'a file where the charts’ folder should be',
      async () => {
        const path = await store({}, 'a');
        return [path, '--svg', path];
      },
      /--svg .*cannot be made \(EEXIST\)/,
    ],
  ])('%s', async (_, words, message) => {
    const given = await words();
    const before = await readdir(folder);
    const { exitCode, stderr, stdout } = await refusedCommandLine('report', '--results', folder, ...given);
    expect(stderr).toMatch(message);
    expect(stderr.trim().split('\n')).toHaveLength(1);
    expect(stdout).toBe('');
    expect(exitCode).toBe(2);
    expect(await readdir(folder)).toEqual(before);
  });
});

describe('`report` without a file', () => {
  it('takes the newest result, and of other sizes those that fit it', async () => {
    await store({ createdAt: '2026-01-01T00:00:00.000Z', commit: 'older' }, 'd16');
    await store({ createdAt: '2026-01-03T00:00:00.000Z', commit: 'newer' }, 'd16');
    await store({ createdAt: '2026-01-02T00:00:00.000Z', task: d64 }, 'd64');
    await store({ createdAt: '2026-01-02T00:00:00.000Z', task: { ...base.task, seed: 7 } }, 'd16-seed-7');
    await writeFile(join(folder, '2025-01-01T00-00-00Z-d32.json'), JSON.stringify({ schemaVersion: 1 }));
    const { exitCode, stderr } = await report();
    expect(stderr).toMatch(/^report in .*report\.html$/);
    expect(exitCode).toBe(0);
    const page = await readFile(join(folder, 'report.html'), 'utf8');
    expect(page).toContain('git checkout newer');
    expect(page).not.toContain('older');
    expect(page).toContain('>d64<');
  });

  it('writes the charts as SVG files too, for light and dark pages', async () => {
    await store({}, 'd16');
    await report('--svg', join(folder, 'charts'));
    expect(await readdir(join(folder, 'charts'))).toEqual(
      ['bars', 'ladder'].flatMap((name) => [`${name}-dark.svg`, `${name}-light.svg`]),
    );
  });
});

it('a file of `bench --scaling --json` is as good as one file a size', async () => {
  const scaling = [base, { ...base, task: d64 }];
  await writeFile(join(folder, 'scaling.json'), JSON.stringify({ schemaVersion: base.schemaVersion, scaling }));
  expect((await report(join(folder, 'scaling.json'))).exitCode).toBe(0);
  expect(await readFile(join(folder, 'report.html'), 'utf8')).toContain('>d64<');
});
