import { expect } from 'vitest';
import type { Fault } from './fault.ts';
import { expectPlain, processesOf, rightManifest, type World, waywardManifest } from './world.ts';

const chapter = 'The run is interrupted';

/** Not a fault of the row: its build takes for ever. */
const BUILT = 'is built';

/** A check that does not end by itself: its row hangs, and has an hour to answer. */
async function startHanging(world: World, wayward: string) {
  await world.plant('zz-right', rightManifest);
  const building = { ...waywardManifest('none'), build: { command: ['sleep', '1000'], inputs: ['impl.json'] } };
  await world.plant('wayward', wayward === BUILT ? building : waywardManifest(wayward));
  const running = world.start(['check', 'wayward', '--impls', world.impls, '--steps', '3', '--timeout', '3600']);
  await expect.poll(() => rowsOf(world, running.pid), { timeout: 60_000, interval: 50 }).not.toEqual([]);
  // In an object, for a process is a promise of its own end.
  return { running };
}

/** The processes of rows: what has the world's folder in its environment and is not the tool itself, nor its watchdog. */
function rowsOf(world: World, tool: number | undefined): readonly number[] {
  return processesOf(world.temporary).filter((pid) => pid !== tool);
}

function signalled(signal: NodeJS.Signals, wayward = 'hangs in `train`'): Fault {
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
  killed('hangs in `train`'),
  killed('never gets ready'),
  killed('stops itself'),
  {
    chapter,
    fault: 'Ctrl-C comes twice',
    outcome: 'the tool ends at once, and nothing that it started goes on',
    where: 'linux',
    attempt: async (world) => {
      const { running } = await startHanging(world, 'hangs in `train`');
      running.kill('SIGINT');
      running.kill('SIGINT');
      expect((await running).exitCode).toBe(130);
      await world.expectEnded();
    },
  },
];
