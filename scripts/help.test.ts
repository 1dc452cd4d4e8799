import { execa } from 'execa';
import { expect, test } from 'vitest';
import { projectRoot } from '../harness/project.ts';

const run = (script: string, ...words: string[]) =>
  execa(process.execPath, [`scripts/${script}.ts`, ...words], { cwd: projectRoot, reject: false });

test.each([
  ['fetch-names', 'data'],
  ['build-kernels', 'kernels'],
  ['make-golden', 'golden'],
])('%s --help shows how to use it, and does nothing', async (script, name) => {
  const { stdout, exitCode } = await run(script, '--help');
  expect(stdout).toContain(`Usage: npm run ${name}`);
  expect(exitCode).toBe(0);
});

test.each(['fetch-names', 'build-kernels', 'make-golden'])('%s refuses an unknown flag in one line', async (script) => {
  const { stderr, exitCode } = await run(script, '--no-such-flag');
  expect(stderr.split('\n')).toHaveLength(1);
  expect(stderr).toContain('--no-such-flag');
  expect(exitCode).toBe(2);
});
