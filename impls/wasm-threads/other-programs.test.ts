import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpus } from 'node:os';
import { Worker } from 'node:worker_threads';
import { expect, test } from 'vitest';
import { watchOtherPrograms } from './other-programs.ts';

test.skipIf(process.platform === 'win32')('a program that computes is seen to take a core', async () => {
  const others = watchOtherPrograms();
  const program = spawn(process.execPath, ['-e', 'while (process.cpuUsage().user < 150_000);']);
  await once(program, 'exit');
  expect(others()).toBeGreaterThan(0.3);
});

test('what this process computes on all cores is no other program’s', async () => {
  const others = watchOtherPrograms();
  const [began, before] = [performance.now(), process.cpuUsage()];
  const busy = 'const end = performance.now() + 400; while (performance.now() < end);';
  await Promise.all(cpus().map(() => once(new Worker(busy, { eval: true }), 'exit')));
  const { user, system } = process.cpuUsage(before);
  const own = (user + system) / 1000 / (performance.now() - began);
  expect(others()).toBeLessThan(cpus().length - own + 0.3);
});
