import { execFileSync } from 'node:child_process';
import { mkdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { expect } from 'vitest';
import type { Fault } from './fault.ts';
import { type Ending, mountTiny, type RunOptions, rightManifest, type World, waywardManifest } from './world.ts';

const chapter = 'A place for files is missing, full or something else';

const CHECK = ['check', 'zz-right', '--steps', '3'];

async function check(world: World, words: readonly string[] = [], options: RunOptions = {}): Promise<Ending> {
  await world.plant('zz-right', rightManifest);
  return world.run([...CHECK, '--impls', world.impls, ...words], options);
}

/** Has an attempt made where a folder is a file system of its own. */
async function mounted(folder: string, options: string, attempt: () => Promise<Ending>): Promise<Ending> {
  await mkdir(folder);
  mountTiny(folder, options);
  try {
    return await attempt();
  } finally {
    execFileSync('umount', [folder]);
  }
}

/** Checks with a temporary folder that is a file system of its own. */
function checkMounted(world: World, options: string): Promise<Ending> {
  const folder = world.path('small');
  return mounted(folder, options, () => check(world, [], { env: { TMPDIR: folder } }));
}

/** One line on standard error that says where and why, and exit code 2. */
function expectRefused({ stderr, exitCode }: Ending, says: RegExp): void {
  expect(stderr).toMatch(says);
  expect(
    stderr
      .trimEnd()
      .split('\n')
      .filter((line) => line.startsWith('error: ')),
  ).toHaveLength(1);
  expect(exitCode).toBe(2);
}

function refused(
  fault: string,
  says: RegExp,
  attempt: (world: World) => Promise<Ending>,
  where?: Fault['where'],
): Fault {
  return {
    chapter,
    fault,
    outcome: 'one line says where and what to do; exit code 2',
    ...(where === undefined ? {} : { where }),
    attempt: async (world) => expectRefused(await attempt(world), says),
  };
}

function survived(
  fault: string,
  outcome: string,
  attempt: (world: World) => Promise<void>,
  where?: Fault['where'],
): Fault {
  return { chapter, fault, outcome, ...(where === undefined ? {} : { where }), attempt };
}

/** A cache that keeps nothing: what takes it only to be faster goes on without. */
function unkeeping(
  fault: string,
  spoil: (cache: string, attempt: (options?: RunOptions) => Promise<Ending>, world: World) => Promise<Ending>,
  where?: Fault['where'],
): Fault {
  return survived(
    fault,
    'the reference is not kept for the next run, which a warning says; the rows are verified all the same',
    async (world) => {
      const project = await world.copyProject();
      const attempt = (options: RunOptions = {}) => check(world, ['--n-embd', '4'], { project, ...options });
      const { stdout, stderr, exitCode } = await spoil(join(project, '.cache'), attempt, world);
      expect(stdout + stderr).toMatch(/warning: .*cannot be kept for the next run .*\.cache.*zz-right +verified/s);
      expect(exitCode).toBe(0);
    },
    where,
  );
}

export const placeFaults: readonly Fault[] = [
  refused('The temporary folder is missing', /no-such: .*ENOENT|no-such.*ENOENT/, (world) =>
    check(world, [], { env: { TMPDIR: world.path('no-such') } }),
  ),
  refused('The temporary folder is a file', /ENOTDIR/, async (world) => {
    await writeFile(world.path('file'), '');
    return check(world, [], { env: { TMPDIR: world.path('file') } });
  }),
  refused('The temporary folder is full', /ENOSPC/, (world) => checkMounted(world, 'size=8k,nr_inodes=8'), 'mounts'),
  ...(
    [
      ['The temporary folder has no inodes left', 'size=1m,nr_inodes=1', /ENOSPC/],
      ['The temporary folder is read-only', 'ro', /EROFS/],
    ] as const
  ).map(([fault, mount, says]) => refused(fault, says, (world) => checkMounted(world, mount), 'mounts')),
  refused(
    'The temporary folder may not be written to',
    /EACCES/,
    (world) => world.whileClosed(world.temporary, 0o555, () => check(world, [], { unprivileged: true })),
    'unprivileged',
  ),
  refused(
    'The temporary folder becomes full while a row is verified',
    /error: .*ENOSPC; the disk is full/,
    async (world) => {
      const folder = world.path('small');
      const row = waywardManifest('fills its disk before it writes its parameters');
      await world.plant('wayward', row);
      return mounted(folder, 'size=4m', () =>
        world.run(['check', 'wayward', '--impls', world.impls, '--steps', '3'], { env: { TMPDIR: folder } }),
      );
    },
    'mounts',
  ),
  unkeeping('The cache is full', (cache, attempt) => mounted(cache, 'size=8k,nr_inodes=8', attempt), 'mounts'),
  unkeeping('The cache is read-only', (cache, attempt) => mounted(cache, 'ro', attempt), 'mounts'),
  unkeeping(
    'The cache may not be written to',
    async (cache, attempt, world) => {
      await mkdir(cache);
      return world.whileClosed(cache, 0o555, () => attempt({ unprivileged: true }));
    },
    'unprivileged',
  ),
  unkeeping('The cache is a file', async (cache, attempt) => {
    await writeFile(cache, '');
    return attempt();
  }),
  unkeeping(
    'The cache is a link to nothing that can be made',
    async (cache, attempt) => {
      await symlink('/proc/no-such', cache);
      return attempt();
    },
    'linux',
  ),
  refused('`--json` names a folder', /--json .*folder/, (world) => check(world, ['--json', world.impls])),
  refused('`--json` lies in a folder that does not exist', /--json .*no-such cannot be written to; make it/, (world) =>
    check(world, ['--json', world.path('no-such', 'out.json')]),
  ),
  refused(
    '`--json` goes to a full device',
    /--json \/dev\/full.*ENOSPC/,
    (world) => check(world, ['--json', '/dev/full']),
    'linux',
  ),
  refused(
    '`--json` is a FIFO that nobody reads',
    /--json .*fifo/,
    async (world) => {
      execFileSync('mkfifo', [world.path('fifo')]);
      return check(world, ['--json', world.path('fifo')]);
    },
    'posix',
  ),
  survived(
    '`--json` is a FIFO that somebody reads',
    'the reader gets it, and it stays a FIFO',
    async (world) => {
      execFileSync('mkfifo', [world.path('fifo')]);
      const reader = execa('cat', [world.path('fifo')]);
      expect((await check(world, ['--json', world.path('fifo')])).exitCode).toBe(0);
      JSON.parse((await reader).stdout);
      expect((await stat(world.path('fifo'))).isFIFO()).toBe(true);
    },
    'posix',
  ),
  survived(
    '`--json` names a device',
    'the device stays a device, and the run ends well',
    async (world) => {
      expect((await check(world, ['--json', '/dev/null'])).exitCode).toBe(0);
      expect((await stat('/dev/null')).isCharacterDevice()).toBe(true);
    },
    'posix',
  ),
  survived(
    '`--json` names a link',
    'the file that it points to is written',
    async (world) => {
      await writeFile(world.path('real.json'), '');
      await symlink(world.path('real.json'), world.path('link.json'));
      expect((await check(world, ['--json', world.path('link.json')])).exitCode).toBe(0);
      JSON.parse(await readFile(world.path('real.json'), 'utf8'));
    },
    'posix',
  ),
  survived('Standard output is closed by its reader', 'the run goes on and ends well, quietly', async (world) => {
    await world.plant('zz-right', rightManifest);
    const running = world.start([...CHECK, '--impls', world.impls]);
    running.stdout?.destroy();
    const { exitCode, stderr } = await running;
    expect(exitCode).toBe(0);
    expect(stderr).not.toMatch(/EPIPE/);
  }),
  survived(
    'Standard output is a full device',
    'one line on standard error; exit code 2',
    async (world) => {
      const { exitCode, stderr } = await check(world, [], { stdoutFile: '/dev/full' });
      expect(stderr).toMatch(/standard output cannot be written \(ENOSPC\)/);
      expect(exitCode).toBe(2);
    },
    'linux',
  ),
  survived('Standard error is closed by its reader', 'the run goes on and ends well', async (world) => {
    await world.plant('zz-right', rightManifest);
    const running = world.start([...CHECK, '--impls', world.impls]);
    running.stderr?.destroy();
    expect((await running).exitCode).toBe(0);
  }),
  survived(
    'The working folder was deleted',
    'the run needs it for nothing',
    async (world) => {
      const gone = world.path('gone');
      await mkdir(gone);
      await world.plant('zz-right', rightManifest);
      const words = [...CHECK, '--impls', world.impls];
      // The shell enters the folder and deletes it before the tool starts.
      const { exitCode, stderr } = await world.run(words, { cwd: gone, deleteCwd: true });
      expect(stderr).not.toMatch(/^\s+at /m);
      expect([0, 2]).toContain(exitCode);
    },
    'posix',
  ),
  survived(
    'The compile cache of Node was damaged',
    'it is made again',
    async (world) => {
      const project = await world.copyProject();
      expect((await check(world, [], { project })).exitCode).toBe(0);
      execFileSync('find', [
        join(project, '.cache', 'compile'),
        '-type',
        'f',
        '-exec',
        'truncate',
        '-s',
        '10',
        '{}',
        ';',
      ]);
      expect((await check(world, [], { project })).exitCode).toBe(0);
    },
    'linux',
  ),
  survived('The cache was deleted', 'it is made again', async (world) => {
    const project = await world.copyProject();
    expect((await check(world, [], { project })).exitCode).toBe(0);
    await rm(join(project, '.cache'), { recursive: true });
    expect((await check(world, [], { project })).exitCode).toBe(0);
  }),
];
