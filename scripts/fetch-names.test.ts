import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { namedDatasets } from '../harness/task/dataset.ts';

const originalData = namedDatasets.names.path;
let folder: string;
let destination: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'microgpt-bench-names-'));
  destination = join(folder, 'names.txt');
});
afterEach(() => rm(folder, { recursive: true }));

function fetchNames(...words: string[]): { status: number | null; stderr: string } {
  const program = join(import.meta.dirname, 'fetch-names.ts');
  const { status, stderr } = spawnSync(process.execPath, [program, '--to', destination, ...words], {
    encoding: 'utf8',
  });
  return { status, stderr };
}

it('refuses a file with another hash in one line, and leaves what was there', async () => {
  await writeFile(destination, 'before');
  const { status, stderr } = fetchNames('--from', namedDatasets['us-names-2016'].path);
  expect(status).toBe(2);
  expect(stderr.trim().split('\n')).toHaveLength(1);
  expect(stderr).toMatch(/is not the original's names\.txt: expected SHA-256 0a30b555.*, found 627ce1b9/);
  expect(await readFile(destination, 'utf8')).toBe('before');
  expect(await readdir(folder)).toEqual(['names.txt']);
});

it.each([
  { words: ['--from', 'no-such-file.txt'], says: /cannot read no-such-file\.txt \(ENOENT\)/ },
  { words: ['--form', 'names.txt'], says: /'--form'/ },
])('refuses $words', ({ words, says }) => {
  const { status, stderr } = fetchNames(...words);
  expect(status).toBe(2);
  expect(stderr).toMatch(says);
  expect(stderr).not.toMatch(/\n +at /);
});

const missing = existsSync(originalData) ? '' : ` (skipped: no names.txt; fetch it with \`npm run data\`)`;
it.skipIf(missing !== '')(`takes a local copy of the original${missing}`, async () => {
  expect(fetchNames('--from', originalData)).toEqual({ status: 0, stderr: '' });
  expect(await readFile(destination)).toEqual(await readFile(originalData));
});
