import { execFileSync } from 'node:child_process';
import { mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readDump } from './dump-file.ts';

let folder: string;
let file: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'dump-'));
  file = join(folder, 'parameters');
});
afterEach(() => rm(folder, { recursive: true }));

describe('a dump', () => {
  it('is read where it has the size that was asked for', async () => {
    await writeFile(file, new Uint8Array(new Float64Array([1, -2.5]).buffer));
    expect(readDump(file, 2)).toEqual({ numbers: new Float64Array([1, -2.5]) });
  });

  it('of another size is refused with both sizes', async () => {
    await writeFile(file, 'abc');
    expect(readDump(file, 2)).toEqual({ problem: 'wrote 3 bytes, where 16 were expected' });
  });

  it('that is missing is refused', async () => {
    expect(readDump(file, 2)).toEqual({ problem: 'wrote no file' });
  });

  it.skipIf(process.platform === 'win32')('that is a link to an endless device is refused', async () => {
    await symlink('/dev/zero', file);
    expect(readDump(file, 2)).toEqual({ problem: 'made the file a link' });
  });

  it.skipIf(process.platform === 'win32')('that is a FIFO is refused at once', async () => {
    execFileSync('mkfifo', [file]);
    expect(readDump(file, 2)).toEqual({ problem: 'made the file something that is no regular file' });
  });
});
