import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { benchResult } from '../../testing/example-result.ts';
import { UsageError } from '../../usage-error.ts';
import { exportFormats, exportResult, parseExport, parseExports } from './export.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'export-'));
});
afterEach(() => rm(folder, { recursive: true }));

test('every format is written to its file', async () => {
  await exportResult(benchResult(), parseExports(exportFormats.map((format) => `${format}=${join(folder, format)}`)));
  expect((await readdir(folder)).sort()).toEqual([...exportFormats].sort());
  for (const format of exportFormats) expect(await readFile(join(folder, format), 'utf8')).toContain('fast');
});

test('the file may have equals signs in its name', () => {
  expect(parseExport(`csv=${join(folder, 'a=b.csv')}`).file).toBe(join(folder, 'a=b.csv'));
});

test('an unknown format is refused with the nearest one', () => {
  expect(() => parseExport('markdwn=table.md')).toThrow(UsageError);
  expect(() => parseExport('markdwn=table.md')).toThrow('did you mean "markdown"');
});

test.each(['csv', 'csv=', '=file'])('%j is refused, since it is not FORMAT=FILE or names no format', (value) => {
  expect(() => parseExport(value)).toThrow(UsageError);
});

test('a folder that does not exist is named before anything is measured', () => {
  expect(() => parseExport(`csv=${join(folder, 'missing', 'x.csv')}`)).toThrow(join(folder, 'missing'));
});

test('a folder in place of a file is refused', () => {
  expect(() => parseExport(`csv=${folder}`)).toThrow('is a folder');
});

test('one file for two formats is refused, since the second would overwrite the first', () => {
  const file = join(folder, 'both');
  expect(() => parseExports([`csv=${file}`, `markdown=${file}`])).toThrow('named twice');
});
