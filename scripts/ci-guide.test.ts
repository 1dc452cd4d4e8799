import { execFile } from 'node:child_process';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import manifest from '../package.json' with { type: 'json' };

const root = join(import.meta.dirname, '..');
const run = promisify(execFile);
const guide = await readFile(join(root, 'docs', 'ci.md'), 'utf8');
const workflows = await Promise.all(
  (await readdir(join(root, '.github', 'workflows'))).map((name) =>
    readFile(join(root, '.github', 'workflows', name), 'utf8'),
  ),
);

/** The fenced blocks of one language. */
function blocks(language: string): string[] {
  return [...guide.matchAll(new RegExp(`^\`\`\`${language}\n(.*?)^\`\`\``, 'gms'))].map(([, text]) => text);
}

/** Every `npm run SCRIPT …` and `npm COMMAND` in a text: the script's name and the words that follow. */
function npmCommands(text: string): { readonly script: string; readonly words: readonly string[] }[] {
  return [...text.matchAll(/npm (?:run )?([\w:-]+)(?: -- ([^`\n]*))?/g)].map(([, script, words = '']) => ({
    script,
    words: words.split(' ').filter((word) => word !== ''),
  }));
}

const commands = [guide, ...workflows].flatMap(npmCommands);

test('every workflow in the guide has no problems', async () => {
  const script = join(root, 'scripts', 'workflow-problems.ts');
  const code = `const { workflowProblems } = await import(process.argv[1]);
    console.log(JSON.stringify(await workflowProblems('guide', process.argv[2])));`;
  expect(blocks('yaml').length).toBeGreaterThan(0);
  for (const content of blocks('yaml')) {
    const { stdout } = await run(process.execPath, ['--input-type=module', '-e', code, script, content]);
    expect(JSON.parse(stdout)).toEqual([]);
  }
});

test('every npm script that the guide and the workflows run exists', () => {
  const known = [...Object.keys(manifest.scripts), 'ci', 'publish'];
  expect(commands.length).toBeGreaterThan(10);
  for (const { script } of commands) expect(known).toContain(script);
});

test('every flag that they pass exists', async () => {
  const passed = new Map<string, Set<string>>();
  for (const { script, words } of commands) {
    const flags = words.filter((word) => word.startsWith('--')).map((word) => word.split('=')[0]);
    passed.set(script, new Set([...(passed.get(script) ?? []), ...flags]));
  }
  expect([...(passed.get('compare') ?? [])].sort()).toEqual([
    '--allow-dirty',
    '--base',
    '--json',
    '--preset',
    '--threshold',
  ]);
  for (const [script, flags] of passed) {
    if (flags.size === 0) continue;
    const { stdout: help } = await run(process.execPath, [join(root, 'harness', 'cli', 'main.ts'), script, '--help']);
    for (const flag of flags) expect(help).toMatch(new RegExp(`${flag}\\b`));
  }
});

test('every flag and format that the guide speaks of exists', async () => {
  const help = await Promise.all(
    ['bench', 'compare'].map((command) =>
      run(process.execPath, [join(root, 'harness', 'cli', 'main.ts'), command, '--help']),
    ),
  );
  const known = help.map(({ stdout }) => stdout).join();
  for (const [flag] of guide.matchAll(/(?<=`)--[a-z-]+/g)) expect(known).toMatch(new RegExp(`${flag}\\b`));
  const { exportFormats } = await import('../harness/present/export/export.ts');
  const section = guide.slice(guide.indexOf('## Other formats'));
  for (const format of exportFormats) expect(section).toContain(`\`${format}\``);
});

test('the exit codes in the guide are those of the command', async () => {
  const { exitCode } = await import('../harness/cli/exit-code.ts');
  const told = [...guide.matchAll(/^\| (\d+) +\|/gm)].map(([, code]) => Number(code));
  expect(told).toEqual(Object.values(exitCode).sort((a, b) => a - b));
});
