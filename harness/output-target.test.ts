import { execFileSync } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { outputTarget, requireDistinct, writeOutput } from './output-target.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'output-'));
});
afterEach(() => rm(folder, { recursive: true }));

const target = (name: string) => outputTarget(`--json ${name}`, join(folder, name));

describe('an output target', () => {
  it('is written whole, over what was there', async () => {
    await writeFile(join(folder, 'out'), 'a longer text before');
    await writeOutput(await target('out'), 'new');
    expect(await readFile(join(folder, 'out'), 'utf8')).toBe('new');
  });

  it('that is a link is written where the link points', async () => {
    await writeFile(join(folder, 'real'), '');
    await symlink(join(folder, 'real'), join(folder, 'link'));
    await writeOutput(await target('link'), 'new');
    expect(await readFile(join(folder, 'real'), 'utf8')).toBe('new');
  });

  it('that is a folder, or lies in none, is refused before anything runs', async () => {
    await mkdir(join(folder, 'sub'));
    await expect(target('sub')).rejects.toThrow(/^--json sub: got a folder/);
    await expect(target('missing/out')).rejects.toThrow(/missing cannot be written to/);
  });

  it.skipIf(process.platform === 'win32')('that is a device stays one', async () => {
    await writeOutput(await outputTarget('--json /dev/null', '/dev/null'), 'text');
    expect((await stat('/dev/null')).isCharacterDevice()).toBe(true);
  });

  it.skipIf(process.platform === 'win32')(
    'that is a FIFO without a reader is refused at once and stays one',
    async () => {
      execFileSync('mkfifo', [join(folder, 'fifo')]);
      await expect(writeOutput(await target('fifo'), 'text')).rejects.toThrow(/cannot be written/);
      expect((await stat(join(folder, 'fifo'))).isFIFO()).toBe(true);
    },
  );

  it('is refused where another one has the same place', async () => {
    const one = await target('out');
    const other = await outputTarget('--export csv=out', join(folder, '.', 'out'));
    expect(() => requireDistinct([one, other])).toThrow(
      '--export csv=out: that file is already taken by --json out; name another',
    );
    expect(() => requireDistinct([one, { flag: '--export md=x', path: join(folder, 'x') }])).not.toThrow();
  });
});
