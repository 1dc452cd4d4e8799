import { spawnSync } from 'node:child_process';
import { mkdtemp, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { UsageError } from '../usage-error.ts';
import { namedDatasets, readDataset } from './dataset.ts';
import { documentsOf } from './documents.ts';

const hasPython = spawnSync('python3', ['--version']).status === 0;
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'microgpt-bench-dataset-'));
});
afterAll(() => rm(folder, { recursive: true }));

async function fileWith(contents: string | Uint8Array, name = 'data.txt'): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, contents);
  return path;
}

/** The one line that a person reads. */
async function complaintAbout(nameOrPath: string): Promise<string> {
  const error: unknown = await readDataset(nameOrPath).catch((error) => error);
  if (!(error instanceof UsageError)) throw new Error(`expected a UsageError, got ${error}`);
  expect(error.message).not.toContain('\n');
  return error.message;
}

describe('readDataset', () => {
  it('reads the embedded data set, whose hash is known', async () => {
    const { name, sha256, documents } = await readDataset('us-names-2016');
    expect({ name, sha256, documents: documents.length }).toEqual({
      name: 'us-names-2016',
      sha256: namedDatasets['us-names-2016'].sha256,
      documents: 32_868,
    });
  });

  it('reads any text file by its path, and names it after the file', async () => {
    const path = await fileWith('ada\n\n grace \r\nalan', 'people.txt');
    expect(await readDataset(path)).toMatchObject({ name: 'people.txt', path, documents: ['ada', 'grace', 'alan'] });
  });

  it('knows a named data set by its contents, wherever it lies', async () => {
    expect(await readDataset(namedDatasets['us-names-2016'].path)).toMatchObject({ name: 'us-names-2016' });
  });

  it('refuses a missing file, and says what to give instead', async () => {
    expect(await complaintAbout(join(folder, 'nowhere.txt'))).toMatch(
      /nowhere\.txt is missing; .*; give us-names-2016, names or/,
    );
  });

  it('refuses a named file with other contents, and says how to mend it', async () => {
    const path = await fileWith('changed');
    const byName = { mine: { path, sha256: '0'.repeat(64), remedy: 'fetch it with `npm run data`' } };
    await expect(readDataset('mine', byName)).rejects.toThrow(
      /^Data set mine: expected a file with SHA-256 0{64}, found d67e[0-9a-f]{60} in .*; fetch it with `npm run data`\.$/,
    );
    await expect(readDataset('mine', byName)).rejects.toBeInstanceOf(UsageError);
  });

  it('says how to get a named file that is missing', async () => {
    const byName = { mine: { path: join(folder, 'nowhere.txt'), sha256: '0'.repeat(64), remedy: 'fetch it' } };
    await expect(readDataset('mine', byName)).rejects.toThrow(/nowhere\.txt is missing; .*; fetch it\.$/);
  });

  it('refuses a folder', async () => {
    expect(await complaintAbout(folder)).toMatch(/is a folder, not a file; expected text/);
  });

  it.each(['', '\n \t\r\n\u3000\n'])('refuses a file without documents: %j', async (contents) => {
    expect(await complaintAbout(await fileWith(contents))).toMatch(/is empty/);
  });

  it('refuses bytes that are not UTF-8', async () => {
    expect(await complaintAbout(await fileWith(new Uint8Array([0x61, 0xff, 0x62])))).toMatch(/not UTF-8/);
  });

  it('refuses NUL bytes, and says where', async () => {
    expect(await complaintAbout(await fileWith('ab\0c'))).toMatch(/NUL byte at 2/);
  });

  it('refuses a file too large to hold in memory', async () => {
    const path = await fileWith('a');
    await truncate(path, 65 * 2 ** 20);
    expect(await complaintAbout(path)).toMatch(/more than the 67108864 that are read/);
  });
});

describe('documentsOf', () => {
  // Lines end in any of three ways; a tab, a no-break space, a file separator and next-line are stripped, a byte order mark is not.
  const text = '\ufeffa\r\nb\rc\n\td e\u00a0\n\x1cf\x85\n\ufeffg\u200b\n\u2003\n\u2028h\u2029\n\x0bi\x0c';

  it('strips as Python strips', () => {
    expect(documentsOf(text)).toEqual(['\ufeffa', 'b', 'c', 'd e', 'f', '\ufeffg\u200b', 'h', 'i']);
  });

  it.skipIf(!hasPython)(
    `agrees with the reference on every white space${hasPython ? '' : ' (skipped: python3 not found)'}`,
    async () => {
      const codePoints = Array.from({ length: 0x3100 }, (_, i) => i).filter((i) => i !== 0 && i !== 0x0a && i !== 0x0d);
      const path = await fileWith(`${text}\n${codePoints.map((i) => `${String.fromCodePoint(i)}x`).join('\n')}`);
      const script = 'import json, sys, microgpt; print(json.dumps(microgpt.read_documents(sys.argv[1])))';
      const { stdout } = spawnSync('python3', ['-B', '-c', script, path], {
        cwd: join(import.meta.dirname, '../../reference'),
        encoding: 'utf8',
      });
      const { documents } = await readDataset(path);
      expect(documents).toEqual(JSON.parse(stdout));
    },
  );
});
