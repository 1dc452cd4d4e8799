import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { smallTask } from '../testing/small-task.ts';
import { ChildProgram } from './child-program.ts';
import { ImplementationFailure } from './implementation-failure.ts';
import { writeTaskFiles } from './task-files.ts';

const limits = { timeoutMilliseconds: 30_000, maximumLength: 1_000 };
const programs: ChildProgram[] = [];
let folder: string;
let flags: readonly string[];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'microgpt-bench-'));
  ({ flags } = await writeTaskFiles(smallTask(), folder));
});
afterAll(async () => {
  for (const program of programs) await program.quit();
  await rm(folder, { recursive: true });
});

async function start(fault: string, signal?: AbortSignal): Promise<ChildProgram> {
  const program = new ChildProgram({
    folder: join(import.meta.dirname, '../testing'),
    command: [process.execPath, 'misbehaving.ts', fault, ...flags],
    memoryLimitBytes: 2 ** 32,
    signal,
  });
  programs.push(program);
  await program.greeting(limits);
  return program;
}

/** A zombie is dead too: it only waits for its parent to take notice. */
function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
  } catch {
    return false;
  }
  try {
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'latin1'));
  } catch {
    return process.platform !== 'linux';
  }
}

const ends = (pid: number) => vi.waitFor(() => expect(isAlive(pid)).toBe(false), { timeout: 10_000 });

describe('no process is left', () => {
  test('of a program that quits when told to', async () => {
    const program = await start('nothing');
    expect(isAlive(program.processId)).toBe(true);
    await program.quit();
    await ends(program.processId);
  });

  test('of one that ignores both quit and the end of its input', async () => {
    const program = await start('does not quit');
    await program.quit();
    await ends(program.processId);
  });

  test('of one that is in the middle of something when the harness is interrupted', async () => {
    const controller = new AbortController();
    const program = await start('never answers', controller.signal);
    const answer = program.ask('train 1', limits);
    const reason = new Error('interrupted');
    controller.abort(reason);
    await expect(answer).rejects.toBe(reason);
    await ends(program.processId);
  });

  test('of what a program started and left behind', async () => {
    const program = await start('leaves a descendant behind');
    const failure = await program.ask('train 1', limits).catch((error) => error);
    const said = failure instanceof ImplementationFailure ? failure.stderrTail : '';
    const pid = Number(/descendant (\d+)/.exec(said)?.[1]);
    expect(pid).toBeGreaterThan(1);
    await ends(pid);
  });
});

describe('memory', () => {
  test.skipIf(process.platform !== 'linux')(
    'is seen while a program lives, and remembered afterwards (needs /proc)',
    async () => {
      const program = await start('nothing');
      const alive = program.peakRssBytes();
      expect(alive).toBeGreaterThan(2 ** 20);
      await program.quit();
      expect(program.peakRssBytes()).toBeGreaterThanOrEqual(alive ?? 0);
    },
  );
});
