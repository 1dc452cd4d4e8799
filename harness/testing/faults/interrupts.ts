import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { expect } from 'vitest';
import type { Fault } from './fault.ts';
import { expectPlain, processesOf, type RunOptions, rightManifest, type World, waywardManifest } from './world.ts';

const chapter = 'The run is interrupted';

/** Not a fault of the row: its build takes for ever. */
const BUILT = 'is built';

const HANGS = 'hangs in `train`';

/** A check that does not end by itself: its row hangs, and has an hour to answer. */
const CHECK = ['check', 'wayward', '--steps', '3', '--timeout', '3600'];

async function startHanging(world: World, wayward: string, words: readonly string[] = CHECK, options: RunOptions = {}) {
  await world.plant('zz-right', rightManifest);
  const building = { ...waywardManifest('none'), build: { command: ['sleep', '1000'], inputs: ['impl.json'] } };
  const folder = await world.plant('wayward', wayward === BUILT ? building : waywardManifest(wayward));
  await writeFile(join(folder, 'profile.json'), '{"operations":{"all":["train"]}}');
  const running = world.start([...words, '--impls', world.impls], options);
  await expect.poll(() => rowsOf(world, running.pid), { timeout: 60_000, interval: 50 }).not.toEqual([]);
  // In an object, for a process is a promise of its own end.
  return { running };
}

/** The processes of rows: what has the world's folder in its environment and is not the tool itself, nor its watchdog. */
function rowsOf(world: World, tool: number | undefined): readonly number[] {
  return processesOf(world.temporary).filter((pid) => pid !== tool);
}

function signalled(signal: NodeJS.Signals, wayward = HANGS): Fault {
  return {
    chapter,
    fault: `${signal} while a row ${wayward}`,
    outcome: 'the row is ended, one word is said, exit code 130',
    where: 'posix',
    attempt: async (world) => {
      const { running } = await startHanging(world, wayward);
      running.kill(signal);
      const { exitCode, stdout, stderr } = await running;
      expectPlain({ stdout: String(stdout), stderr: String(stderr) });
      expect(exitCode).toBe(130);
    },
  };
}

function killed(wayward: string): Fault {
  return {
    chapter,
    fault: `The tool is killed outright while a row ${wayward}`,
    outcome: 'nothing that it started goes on',
    where: 'linux',
    attempt: async (world) => {
      const { running } = await startHanging(world, wayward);
      running.kill('SIGKILL');
      await running;
      await world.expectEnded();
    },
  };
}

/** Of work that has a temporary folder of its own. @param tool a shell script that stands in for a tool of this name */
function killedAt(
  work: string,
  words: readonly string[],
  tool?: { readonly name: string; readonly script: string },
): Fault {
  return {
    chapter,
    fault: `The tool is killed outright while it ${work}`,
    outcome: 'nothing that it started goes on, and its temporary files go',
    where: 'linux',
    attempt: async (world) => {
      const bin = world.path('bin');
      await mkdir(bin);
      if (tool !== undefined) await writeFile(join(bin, tool.name), `#!/bin/sh\n${tool.script}\n`, { mode: 0o755 });
      const env = { PATH: [bin, process.env['PATH']].join(delimiter), CC: '' };
      const { running } = await startHanging(world, HANGS, words, { env });
      await expect.poll(() => readdir(world.temporary), { timeout: 60_000, interval: 50 }).not.toEqual([]);
      running.kill('SIGKILL');
      await running;
      await world.expectEnded();
    },
  };
}

export const interruptFaults: readonly Fault[] = [
  signalled('SIGINT'),
  signalled('SIGTERM'),
  signalled('SIGHUP'),
  signalled('SIGINT', 'never gets ready'),
  signalled('SIGINT', 'floods standard output'),
  signalled('SIGINT', 'stops itself'),
  signalled('SIGINT', 'ignores `quit`'),
  signalled('SIGINT', BUILT),
  killed(BUILT),
  killed(HANGS),
  killed('never gets ready'),
  killed('stops itself'),
  killed('computes for ever in `train`'),
  killedAt('tries the protocol', ['check', 'wayward', '--protocol', '--timeout', '3600']),
  killedAt('profiles a row', ['profile', 'wayward'], {
    name: 'perf',
    script: '[ "$1" = --version ] && exit; while [ "$1" != -- ]; do shift; done; shift; exec "$@"',
  }),
  killedAt('measures the peak of a core', ['bench', 'wayward', '--no-save'], {
    name: 'cc',
    script: 'case "$1" in --version) echo cc 1.0 ;; *) exec sleep 1000 ;; esac',
  }),
  {
    chapter,
    fault: 'Ctrl-C comes twice',
    outcome: 'the tool ends at once, and nothing that it started goes on',
    where: 'linux',
    attempt: async (world) => {
      const { running } = await startHanging(world, HANGS);
      running.kill('SIGINT');
      running.kill('SIGINT');
      expect((await running).exitCode).toBe(130);
      await world.expectEnded();
    },
  },
];
