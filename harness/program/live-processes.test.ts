import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { describe, expect, it } from 'vitest';

/** A harness that starts a child, which starts another in a session of its own, and prints their ids. */
const harness = `
  import { spawn } from 'node:child_process';
  import { trackProcess, watchedEnvironment } from ${JSON.stringify(join(import.meta.dirname, 'live-processes.ts'))};
  const { env, mark } = watchedEnvironment();
  const script = 'setsid sleep 1000 & echo $$ $!; wait';
  const child = spawn('sh', ['-c', script], { env, detached: true, stdio: ['ignore', 'inherit', 'inherit'] });
  trackProcess(child.pid, mark);
  setInterval(() => {}, 1000);
  if (process.argv[1] === 'exits') setTimeout(() => process.exit(0), 500);
`;

describe.skipIf(process.platform !== 'linux')('what we started', () => {
  it.each([
    ['when we are killed outright', 'stays'],
    ['when we exit', 'exits'],
  ])('ends %s, also in a session of its own', async (_, how) => {
    const process_ = spawn(process.execPath, ['--input-type=module', '-e', harness, how], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const [line]: string[] = await once(createInterface(process_.stdout), 'line');
    const pids = line.split(' ').map(Number);
    expect(pids.every(isAlive)).toBe(true);
    if (how === 'stays') process_.kill('SIGKILL');
    await expect.poll(() => pids.filter(isAlive), { timeout: 10_000 }).toEqual([]);
  });
});

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}
