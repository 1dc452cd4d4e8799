import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { benchResult } from '../../testing/example-result.ts';
import { UsageError } from '../../usage-error.ts';
import { exportFormats, exportResult, parseExports } from './export.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'export-'));
});
afterEach(() => rm(folder, { recursive: true }));

test('every format is written to its file', async () => {
  await exportResult(
    benchResult(),
    await parseExports(exportFormats.map((format) => `${format}=${join(folder, format)}`)),
  );
  expect((await readdir(folder)).sort()).toEqual([...exportFormats].sort());
  for (const format of exportFormats) expect(await readFile(join(folder, format), 'utf8')).toContain('fast');
});

test('the file may have equals signs in its name, and - is standard output', async () => {
  const [file, standard] = await parseExports([`csv=${join(folder, 'a=b.csv')}`, 'csv=-']);
  expect(file?.target.path).toBe(join(folder, 'a=b.csv'));
  expect(standard?.target.path).toBeUndefined();
});

test.each([
  ['markdwn=table.md', 'did you mean "markdown"'],
  ['csv', 'expected FORMAT=FILE'],
  ['csv=', 'expected FORMAT=FILE'],
  ['=file', 'unknown format ""'],
])('%j is refused: %s', async (value, message) => {
  await expect(parseExports([value])).rejects.toThrow(UsageError);
  await expect(parseExports([value])).rejects.toThrow(message);
});

test('a folder that is missing, and a folder in place of a file, are named before anything is measured', async () => {
  await expect(parseExports([`csv=${join(folder, 'missing', 'x.csv')}`])).rejects.toThrow(join(folder, 'missing'));
  await expect(parseExports([`csv=${folder}`])).rejects.toThrow('got a folder');
});

test('one file for two formats is refused, since the second would overwrite the first', async () => {
  const file = join(folder, 'both');
  await expect(parseExports([`csv=${file}`, `markdown=${file}`])).rejects.toThrow('already taken');
});
