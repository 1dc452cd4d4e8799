import { existsSync } from 'node:fs';
import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { expect } from 'vitest';
import type { Fault } from './fault.ts';
import { expectPlain, type World, waywardManifest } from './world.ts';

const chapter = 'The run is interrupted';

/** Not a fault of the row: its build takes for ever. */
const BUILT = 'is built';

const HANGS = 'hangs in `train`';

/** A check that does not end by itself: its row hangs, and has an hour to answer. */
const CHECK = ['check', 'wayward', '--steps', '3', '--timeout', '3600'];

/** A shell script that stands in for a tool. Before it hangs it makes the file BEGUN. */
interface StandIn {
  readonly name: string;
  readonly script: string;
  /** Whether the row needs it. */
  readonly isNeeded?: true;
}

/** Starts the tool, and waits until what takes for ever has begun. */
async function startHanging(world: World, wayward: string, words: readonly string[] = CHECK, tool?: StandIn) {
  const begun = join(world.impls, 'wayward', 'begun');
  const bin = world.path('bin');
  await mkdir(bin);
  if (tool !== undefined) {
    const script = tool.script.replaceAll('BEGUN', `'${begun}'`);
    await writeFile(join(bin, tool.name), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
  }
  const folder = await world.plant('wayward', {
    ...waywardManifest(wayward === BUILT ? 'none' : wayward),
    ...(wayward === BUILT
      ? { build: { command: ['sh', '-c', ': >begun; exec sleep 1000'], inputs: ['impl.json'] } }
      : {}),
    ...(tool?.isNeeded ? { needs: [{ program: tool.name }] } : {}),
  });
  await writeFile(join(folder, 'profile.json'), '{"operations":{"all":["train"]}}');
  const env = { PATH: [bin, process.env['PATH']].join(delimiter), CC: '' };
  const running = world.start([...words, '--impls', world.impls], { env });
  await expect.poll(() => existsSync(begun), { timeout: 60_000, interval: 50 }).toBe(true);
  // In an object, for a process is a promise of its own end.
  return { running };
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
      expect(stderr).toBe('interrupted');
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

/** Of work that has a temporary folder of its own. */
function killedAt(work: string, words: readonly string[], tool?: StandIn): Fault {
  return {
    chapter,
    fault: `The tool is killed outright while it ${work}`,
    outcome: 'nothing that it started goes on, and its temporary files go',
    where: 'linux',
    attempt: async (world) => {
      const { running } = await startHanging(world, HANGS, words, tool);
      expect(await readdir(world.temporary)).not.toEqual([]);
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
  signalled('SIGINT', 'computes for ever in `train`'),
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
    script: 'case "$1" in --version) echo cc 1.0 ;; *) : >BEGUN; exec sleep 1000 ;; esac',
  }),
  {
    chapter,
    fault: 'Ctrl-C, while a program that a row needs is asked for its version and hangs',
    outcome: 'that program is ended, one word is said, exit code 130',
    where: 'linux',
    attempt: async (world) => {
      const tool = { name: 'planted-tool', script: ': >BEGUN; exec sleep 1000', isNeeded: true } as const;
      const { running } = await startHanging(world, 'none', CHECK, tool);
      running.kill('SIGINT');
      const { exitCode, stdout, stderr } = await running;
      // Else the row would be skipped once its program has had its time.
      expect(stdout).not.toMatch(/skipped/);
      expect(stderr).toBe('interrupted');
      expect(exitCode).toBe(130);
      await world.expectEnded();
    },
  },
];
