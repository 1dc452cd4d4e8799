import { cp, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { availability } from '../harness/program/availability.ts';
import { discoverImplementations, type Implementation, isBroken } from '../harness/program/discover.ts';
import { projectRoot } from '../harness/project.ts';

/** One thing that the document tells its reader to do: commands and what they print, or an edit of the file named last. */
type Instruction =
  | { readonly kind: 'console'; readonly needs?: string | undefined; readonly commands: readonly Command[] }
  | { readonly kind: 'diff'; readonly file: string; readonly removed: string; readonly added: string };

interface Command {
  readonly words: readonly string[];
  /** Lines that it prints. A line `…` stands for any number of lines; `…` at the end of a line stands for its rest. */
  readonly printed: readonly string[];
}

const instructions = readInstructions(await readFile(join(projectRoot, 'CONTRIBUTING.md'), 'utf8'));
let copy: string;

beforeAll(async () => {
  copy = await mkdtemp(join(tmpdir(), 'microgpt-bench-'));
  const { stdout } = await execa('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], {
    cwd: projectRoot,
  });
  for (const file of stdout.split('\0').filter((name) => name !== '')) {
    await mkdir(join(copy, dirname(file)), { recursive: true });
    // A file that is deleted meanwhile is not part of the project.
    await cp(join(projectRoot, file), join(copy, file)).catch(() => {});
  }
  await symlink(join(projectRoot, 'node_modules'), join(copy, 'node_modules'));
});
afterAll(() => rm(copy, { recursive: true, force: true }));

describe('CONTRIBUTING.md, followed to the letter', async () => {
  for (const [i, instruction] of instructions.entries()) {
    if (instruction.kind === 'diff') {
      test(`${i + 1}. edit ${instruction.file}`, () => edit(instruction));
      continue;
    }
    const missing = await whatIsMissing(instruction.needs);
    for (const command of instruction.commands) {
      const name = `${i + 1}. ${command.words.join(' ')}${missing === undefined ? '' : ` (skipped: ${missing})`}`;
      test.skipIf(missing !== undefined)(name, { timeout: 300_000 }, async () => {
        const [program = '', ...words] = command.words;
        const { stdout, stderr } = await execa(program, words, {
          cwd: copy,
          reject: false,
          env: { npm_config_loglevel: 'silent', NO_COLOR: '1' },
        });
        expect(stdout + stderr).toSatisfy(
          () => prints(stdout.split('\n'), command.printed),
          `expected, numbers aside:\n${command.printed.join('\n')}\nprinted:\n${stdout}\n${stderr}\n`,
        );
      });
    }
  }
});

/** Why a row that needs this program cannot run here; undefined if it can. */
async function whatIsMissing(program: string | undefined): Promise<string | undefined> {
  const needing = (await discoverImplementations()).find(
    (found): found is Implementation => !isBroken(found) && found.manifest.needs[0]?.program === program,
  );
  if (program === undefined || needing === undefined) return undefined;
  const present = await availability(needing);
  return present.available ? undefined : present.reason;
}

test('the document has commands in every language that can be scaffolded', () => {
  const commands = instructions.flatMap((instruction) => (instruction.kind === 'console' ? instruction.commands : []));
  const languages = commands.flatMap(({ words }) =>
    words[2] === 'new' ? [words[words.indexOf('--language') + 1] ?? ''] : [],
  );
  expect(new Set(languages.map((word) => (word === 'npm' ? 'typescript' : word)))).toEqual(
    new Set(['typescript', 'python', 'rust', 'c', 'julia', 'program']),
  );
});

test.for([
  [['a 1'], ['a 27'], true],
  [['a 1'], ['b 1'], false],
  [['…', 'end'], ['x', 'y', 'end'], true],
  [['…', 'end'], ['x', 'y'], false],
  [['start …'], ['start of it'], true],
  [['a', 'b'], ['a'], false],
  [['a'], ['a', 'b'], false],
] as const)('%j describes %j: %s', ([expected, printed, same]) => {
  expect(prints(printed, expected)).toBe(same);
});

/** Whether the printed lines are the expected ones. Numbers, blanks and what `…` stands for may differ. */
function prints(printed: readonly string[], expected: readonly string[]): boolean {
  const [line, ...rest] = expected;
  if (line === undefined) return printed.every((left) => left.trim() === '');
  if (line === '…') return printed.some((_, i) => prints(printed.slice(i), rest)) || prints([], rest);
  const [first, ...others] = printed;
  if (first === undefined) return false;
  const same = line.endsWith('…')
    ? withoutNumbers(first).startsWith(withoutNumbers(line.slice(0, -1)))
    : withoutNumbers(first) === withoutNumbers(line);
  return same && prints(others, rest);
}

function withoutNumbers(line: string): string {
  return line
    .replaceAll(/\d[\d,.]*(e[+-]?\d+)?/gi, '#')
    .replaceAll(/\s+/g, ' ')
    .trim();
}

async function edit(diff: Extract<Instruction, { kind: 'diff' }>): Promise<void> {
  const path = join(copy, diff.file);
  const text = await readFile(path, 'utf8');
  expect(text.split(diff.removed).length).toBe(2);
  await writeFile(
    path,
    text.replace(diff.removed, () => diff.added),
  );
}

function readInstructions(markdown: string): readonly Instruction[] {
  const found: Instruction[] = [];
  for (const block of markdown.matchAll(/^```(console|diff)(?: needs=(\S+))?\n(.*?)^```$/gms)) {
    const [, kind, needs, body = ''] = block;
    const lines = body.trimEnd().split('\n');
    if (kind === 'console') {
      found.push({ kind, needs, commands: readCommands(lines) });
    } else {
      const files = markdown.slice(0, block.index).match(/`(impls\/[^`]+\.\w+)`/g) ?? [];
      const of = (sign: string) => lines.filter((line) => line.startsWith(sign)).map((line) => line.slice(1));
      found.push({
        kind: 'diff',
        file: (files.at(-1) ?? '').replaceAll('`', ''),
        removed: of('-').join('\n'),
        added: of('+').join('\n'),
      });
    }
  }
  return found;
}

function readCommands(lines: readonly string[]): readonly Command[] {
  const commands: { words: readonly string[]; printed: string[] }[] = [];
  for (const line of lines) {
    if (line.startsWith('$ ')) commands.push({ words: line.slice(2).split(' '), printed: [] });
    else commands.at(-1)?.printed.push(line);
  }
  return commands;
}
