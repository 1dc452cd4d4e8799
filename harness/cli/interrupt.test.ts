import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { expect, test } from 'vitest';

test.skipIf(process.platform === 'win32')('the first Ctrl-C aborts, the second ends the process', async () => {
  const program = `
    const { interruptSignal } = await import(${JSON.stringify(join(import.meta.dirname, 'interrupt.ts'))});
    setInterval(() => {}, 1000);
    interruptSignal().addEventListener('abort', () => console.log('aborted'));
    console.log('ready');`;
  const running = spawn(process.execPath, ['--input-type=module', '-e', program], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  for (const said of ['ready', 'aborted']) {
    expect(String((await once(running.stdout, 'data'))[0])).toBe(`${said}\n`);
    running.kill('SIGINT');
  }
  expect(await once(running, 'exit')).toEqual([130, null]);
});
