import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { expect, test } from 'vitest';
import { watchOtherPrograms } from './other-programs.ts';

test.skipIf(process.platform === 'win32')('a program that computes is seen to take a core', async () => {
  const others = watchOtherPrograms();
  const program = spawn(process.execPath, ['-e', 'while (process.cpuUsage().user < 150_000);']);
  await once(program, 'exit');
  expect(others()).toBeGreaterThan(0.3);
});
