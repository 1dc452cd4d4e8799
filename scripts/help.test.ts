import { execa } from 'execa';
import { expect, test } from 'vitest';
import { projectRoot } from '../harness/project.ts';

const run = (script: string, words: readonly string[], env: NodeJS.ProcessEnv = {}) =>
  execa(process.execPath, [`${script}.ts`, ...words], { cwd: projectRoot, reject: false, env });

const scripts = [
  ['scripts/fetch-names', 'data'],
  ['scripts/build-kernels', 'kernels'],
  ['scripts/make-golden', 'golden'],
  ['scripts/figures', 'figures'],
  ['scripts/trust-figures/main', 'trust-figures'],
  ['web/serve', 'web'],
  ['web/build', 'web:build'],
] as const;

test.each(scripts)('%s --help shows how to use it, and does nothing', async (script, name) => {
  const { stdout, exitCode } = await run(script, ['--help']);
  expect(stdout).toContain(`Usage: npm run ${name} -- [`);
  expect(exitCode).toBe(0);
});

test.each([
  ['scripts/figures', ['--no-such-flag'], /unknown option '--no-such-flag'/],
  ['scripts/make-golden', ['d17'], /'d17' is invalid.*Allowed choices are d16, /],
  ['scripts/trust-figures/main', ['analytic', 'rust'], /got analytic rust; expected statistics, verification, or two/],
] as const)('%s refuses %j in one line', async (script, words, says) => {
  const { stderr, exitCode } = await run(script, words);
  expect(stderr.split('\n')).toHaveLength(1);
  expect(stderr).toMatch(says);
  expect(exitCode).toBe(2);
});

test('a script tells of a forgotten -- as commands do', async () => {
  const env = { npm_lifecycle_event: 'golden', npm_config_python: 'true' };
  const { stderr, exitCode } = await run('scripts/make-golden', ['pypy3'], env);
  expect(stderr).toMatch(/write -- before the flags: npm run golden -- --python …$/);
  expect(exitCode).toBe(2);
});
