import { execa } from 'execa';
import { expect, test } from 'vitest';
import { projectRoot } from './project.ts';

const start = (flags: readonly string[], ...words: readonly string[]) =>
  execa(process.execPath, [...flags, 'harness/start.mjs', ...words], { cwd: projectRoot, reject: false });

test('a Node that cannot run TypeScript is told of in one line, not by a stack trace', async () => {
  const { stderr, exitCode } = await start(['--no-strip-types'], 'harness/cli/main.ts', 'list');
  expect(stderr).toMatch(
    /^error: Node \S+ cannot run TypeScript as it stands; expected Node 24 or newer; run `npm ci`/,
  );
  expect(stderr.split('\n')).toHaveLength(1);
  expect(exitCode).toBe(2);
});

test('the script gets its words, and its exit code is the process’s', async () => {
  expect((await start([], 'harness/cli/main.ts', '--version')).stdout).toMatch(/^\d+\.\d+\.\d+$/);
  expect((await start([], 'harness/cli/main.ts', 'chek')).exitCode).toBe(2);
});
