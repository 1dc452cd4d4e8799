import { describe, expect, it } from 'vitest';
import { runToEnd } from './finite-program.ts';

const run = (script: string, timeoutMilliseconds = 20_000) =>
  runToEnd([process.execPath, '-e', script], { timeoutMilliseconds });

describe('a program that should end', () => {
  it('tells its exit code and what it printed on both streams', async () => {
    expect(await run('console.log("out"); console.error("err"); process.exitCode = 3')).toMatchObject({
      exitCode: 3,
      how: 'ended with exit code 3',
      output: expect.stringMatching(/out\nerr|err\nout/),
    });
  });

  it('is ended with all it started when its time is over', async () => {
    const script =
      'require("child_process").spawn("sleep", ["1000"], { stdio: "inherit" }); setInterval(() => {}, 1000)';
    expect(await run(script, 300)).toMatchObject({ how: 'did not end within 0.3 s' });
  });

  it('has ended when it has ended, also where a descendant in a session of its own holds its output open', async () => {
    const script =
      'const c = require("child_process").spawn("sleep", ["1000"], { stdio: "inherit", detached: true }); c.unref(); console.log(c.pid)';
    const ended = await run(script);
    expect(ended).toMatchObject({ exitCode: 0 });
    if (process.platform === 'linux') {
      await expect.poll(() => isAlive(Number(ended.output)), { timeout: 5_000 }).toBe(false);
    }
  });

  it('keeps little of what prints a lot', async () => {
    const { output } = await run('for (let i = 0; i < 3000; i++) process.stdout.write("x".repeat(10_000) + "\\n")');
    expect(output.length).toBeLessThan(20_000);
  });

  it('says why it could not be started', async () => {
    expect(await runToEnd(['/no/such/program'], { timeoutMilliseconds: 1000 })).toMatchObject({
      how: 'could not be run (ENOENT)',
    });
  });

  it('does not see secrets of our environment', async () => {
    const secrets = [
      'GITHUB_TOKEN',
      'NPM_TOKEN',
      'NODE_AUTH_TOKEN',
      'AWS_SECRET_ACCESS_KEY',
      'CARGO_REGISTRY_TOKEN',
      'SSH_AUTH_SOCK',
    ];
    for (const name of secrets) process.env[name] = 'planted';
    try {
      const { output } = await run('console.log(JSON.stringify(process.env))');
      expect(output).toContain('PATH');
      expect(output).not.toContain('planted');
    } finally {
      for (const name of secrets) delete process.env[name];
    }
  });
});

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}
