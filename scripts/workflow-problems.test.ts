import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';

const script = join(import.meta.dirname, 'workflow-problems.ts');

/** In a separate process, because vitest loads modules in its own way, and the parser's import must work in Node. */
async function problemsOf(content: string): Promise<string[]> {
  const code = `const { workflowProblems } = await import(process.argv[1]);
    console.log(JSON.stringify(await workflowProblems('w.yml', process.argv[2])));`;
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', code, script, content]);
  return JSON.parse(stdout);
}

/** An expression as YAML writes it. A plain string here would look like a template without its backticks. */
const expression = (inside: string) => `\${{ ${inside} }}`;
const hash = '0123456789abcdef0123456789abcdef01234567';
function workflow(steps: string, permissions = 'permissions:\n  contents: read'): string {
  return `on: push\n${permissions}\njobs:\n  build:\n    runs-on: ubuntu-24.04\n    steps:\n${steps}\n`;
}

test('a sound workflow has no problems', async () => {
  const steps = `      - uses: some/action@${hash} # v1.2.3\n      - run: npm test`;
  expect(await problemsOf(workflow(steps))).toEqual([]);
});

test('a job that runs no script may publish pages', async () => {
  const steps = `      - uses: some/action@${hash} # v1.2.3\n    permissions:\n      pages: write\n      id-token: write`;
  expect(await problemsOf(workflow(steps))).toEqual([]);
});

test.each([
  ['a key GitHub does not know', workflow('      - runn: npm test'), "Unexpected value 'runn'"],
  [
    'a broken expression',
    workflow(`      - run: 'true'\n        if: ${expression('github.foo(')}`),
    'Unexpected symbol',
  ],
  [
    'an unknown context',
    workflow(`      - run: 'true'\n        if: ${expression('nope.bar == 1')}`),
    'Unrecognized named-value',
  ],
  ['text that is no YAML', 'on: [push', 'w.yml'],
  ['a tag in place of a hash', workflow('      - uses: some/action@v1 # v1'), 'full commit hash'],
  ['a hash without its version', workflow(`      - uses: some/action@${hash}`), 'version in a comment'],
  ['a secret', workflow(`      - run: 'true'\n        env: { T: '${expression('secrets.T')}' }`), 'no secrets'],
  ['an expression in a script', workflow(`      - run: echo '${expression('github.head_ref')}'`), 'through "env"'],
  ['a token that may write', workflow("      - run: 'true'", 'permissions:\n  contents: write'), 'read or none'],
  [
    'a script in a job that may publish',
    workflow("      - run: 'true'\n    permissions:\n      pages: write"),
    'read or none',
  ],
  [
    'a job without scripts that may write more than pages',
    workflow(`      - uses: some/action@${hash} # v1.2.3\n    permissions:\n      contents: write`),
    'read or none',
  ],
  ['the default token', workflow("      - run: 'true'", ''), 'permissions: contents: read'],
])('%s is a problem, named with its file', async (_, content, expected) => {
  const problems = await problemsOf(content);
  expect(problems.join('\n')).toContain(expected);
  for (const problem of problems) expect(problem).toContain('w.yml');
});

test('the workflows of this repository have none', async () => {
  const lint = join(import.meta.dirname, 'lint-workflows.ts');
  const { stdout } = await promisify(execFile)(process.execPath, [lint]);
  expect(stdout).toMatch(/^\d+ workflows, 0 problems/);
});
