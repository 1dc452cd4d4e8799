import { execa } from 'execa';
import { expect, test } from 'vitest';
import { projectRoot } from '../harness/project.ts';

const run = (script: string, ...words: string[]) =>
  execa(process.execPath, [`${script}.ts`, ...words], { cwd: projectRoot, reject: false });

test.each([
  ['scripts/fetch-names', 'data'],
  ['scripts/build-kernels', 'kernels'],
  ['scripts/make-golden', 'golden'],
  ['scripts/figures', 'figures'],
  ['web/serve', 'web'],
  ['web/build', 'web:build'],
])('%s --help shows how to use it, and does nothing', async (script, name) => {
  const { stdout, exitCode } = await run(script, '--help');
  expect(stdout).toContain(`Usage: npm run ${name}`);
  expect(exitCode).toBe(0);
});

test.each(['scripts/fetch-names', 'scripts/build-kernels', 'scripts/make-golden'])(
  '%s refuses an unknown flag in one line',
  async (script) => {
    const { stderr, exitCode } = await run(script, '--no-such-flag');
    expect(stderr.split('\n')).toHaveLength(1);
    expect(stderr).toContain('--no-such-flag');
    expect(exitCode).toBe(2);
  },
);
