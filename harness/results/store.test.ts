import { spawn } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { benchResult, refusedRow } from '../testing/example-result.ts';
import { UsageError } from '../usage-error.ts';
import { readResult, resultPath, saveResult } from './store.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'store-'));
});
afterEach(() => rm(folder, { recursive: true }));

describe('a stored result', () => {
  it('comes back as it went in', async () => {
    const path = join(folder, 'results', 'a.json');
    await saveResult(path, benchResult());
    expect(await readResult(path)).toEqual(benchResult());
  });

  it('of somebody else holds nothing that could command a terminal', async () => {
    const path = join(folder, 'a.json');
    const hostile = 'a\u001b[2J\nb';
    await saveResult(path, benchResult({ command: [hostile], rows: [refusedRow({ reason: hostile })] }));
    const { command, rows } = await readResult(path);
    expect([...command, ...rows.map((row) => ('reason' in row ? row.reason : ''))]).toEqual(
      Array(2).fill('a\\u{1b}[2J b'),
    );
  });

  it('is whole after a run was killed while it saved over and over', async () => {
    const path = join(folder, 'a.json');
    const rows = JSON.stringify(benchResult());
    const program = `
      import { saveResult } from ${JSON.stringify(join(import.meta.dirname, 'store.ts'))};
      const result = ${rows};
      for (let i = 0; ; i++) {
        await saveResult(${JSON.stringify(path)}, { ...result, commit: 'x'.repeat(i % 500000) });
        if (i === 5) process.stdout.write('saving');
      }`;
    const child = spawn(process.execPath, ['--input-type=module-typescript', '--eval', program], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    await new Promise((resolve) => child.stdout.once('data', resolve));
    child.kill('SIGKILL');
    await new Promise((resolve) => child.once('exit', resolve));
    expect((await readResult(path)).task).toEqual(benchResult().task);
  });

  it('has a name that sorts by age and holds nothing that a file name must not', () => {
    expect(resultPath('2026-01-02T03:04:05.678Z', 'd16, names/x:y', '/r')).toBe(
      join('/r', '2026-01-02T03-04-05-678Z-d16-names-x-y.json'),
    );
  });

  it.each([
    ['missing', undefined, /is missing; expected a results file/],
    ['cut off', JSON.stringify(benchResult()).slice(0, 200), /not JSON, or cut off/],
    ['empty', '', /not JSON, or cut off/],
    [
      'of another version',
      JSON.stringify({ ...benchResult(), schemaVersion: 99 }),
      /expected schemaVersion 2, found 99/,
    ],
    ['without a version', '{"rows":[]}', /found none/],
    ['a list', '[1,2]', /found none/],
    ['null', 'null', /found none/],
    ['with a field of another type', JSON.stringify({ ...benchResult(), rows: 'all' }), /field "rows"/],
    ['with a field nobody knows', JSON.stringify({ ...benchResult(), __proto__x: 1 }), /__proto__x/],
    [
      'with a time below zero',
      JSON.stringify(benchResult()).replace('"median":50', '"median":-50'),
      /microsecondsPerSample/,
    ],
  ])('that is %s is refused in one line that names the file', async (_, text, message) => {
    const path = join(folder, 'bad.json');
    if (text !== undefined) await writeFile(path, text);
    const error = await readResult(path).catch((problem: unknown) => problem);
    expect(error).toBeInstanceOf(UsageError);
    expect(String(error)).toMatch(message);
    expect(String(error)).toContain(path);
    expect(String(error)).not.toContain('\n');
  });

  it('that cannot be written says what to do', async () => {
    await writeFile(join(folder, 'file'), '');
    const error = await saveResult(join(folder, 'file', 'a.json'), benchResult()).catch((problem: unknown) => problem);
    expect(error).toBeInstanceOf(UsageError);
    expect(String(error)).toContain('--results');
  });

  it('leaves no temporary file behind', async () => {
    await saveResult(join(folder, 'a.json'), benchResult());
    expect(await readdir(folder)).toEqual(['a.json']);
    expect(await readFile(join(folder, 'a.json'), 'utf8')).toMatch(/\}\n$/);
  });
});
