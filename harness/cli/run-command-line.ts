import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Command } from 'commander';
import { z } from 'zod';
import { projectRoot } from '../project.ts';
import { UsageError } from '../usage-error.ts';
import { exitCode } from './exit-code.ts';
import { runProgram } from './run-program.ts';

/** Loaded when called: all of them take a tenth of a second longer than one. */
const commands: Readonly<Record<string, () => Promise<Command>>> = {
  bench: async () => (await import('./bench.ts')).benchCommand(),
  check: async () => (await import('./check.ts')).checkCommand(),
  compare: async () => (await import('./compare.ts')).compareCommand(),
  history: async () => (await import('./history.ts')).historyCommand(),
  list: async () => (await import('./list.ts')).listCommand(),
  merge: async () => (await import('./merge.ts')).mergeCommand(),
  new: async () => (await import('./new.ts')).newCommand(),
  profile: async () => (await import('./profile.ts')).profileCommand(),
  report: async () => (await import('./report.ts')).reportCommand(),
  show: async () => (await import('./show.ts')).showCommand(),
};

/** Of package.json; the npm package lacks them. */
const scripts: readonly string[] = ['data', 'figures', 'golden', 'kernels', 'trust-figures', 'web'];

/**
 * Runs one command line, prints what goes wrong in one line, and returns the exit code.
 * @param loaded called once the command is loaded, before it prints anything
 */
export async function runCommandLine(
  words: readonly string[],
  loaded: () => void = () => {},
): Promise<number | string> {
  const root = new Command('microgpt-bench')
    .description(
      'Trains one tiny GPT with many implementations, verifies every loss, and says how much faster each is.',
    )
    .version(packageVersion(), '--version', 'print the version')
    .showSuggestionAfterError();
  const called = Object.entries(commands).filter(([name]) => name === words[0]);
  for (const [, load] of called.length > 0 ? called : Object.entries(commands)) root.addCommand(await load());
  const script = scripts.find((name) => name === words[0]);
  if (script !== undefined) {
    const refuse = () => {
      throw new UsageError(
        `${script}: got a script of the repository; expected a command (see --help); clone the repository for npm run ${script}`,
      );
    };
    root.command(script, { hidden: true }).allowUnknownOption().allowExcessArguments().action(refuse);
  }
  loaded();
  return runProgram(root, words);
}

function packageVersion(): string {
  const text = readFileSync(join(projectRoot, 'package.json'), 'utf8');
  return z.object({ version: z.string() }).parse(JSON.parse(text)).version;
}

/**
 * Lets a run go on whose reader went away (`npm run bench | head`): results are still saved. Any other failure to write, such
 * as a full disk, is told once and ends with the exit code of bad input.
 */
export function surviveClosedOutput(): void {
  let told = false;
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE' || told) return;
    told = true;
    process.stderr.write(
      `error: standard output cannot be written (${error.code ?? error.message}); make room for it\n`,
    );
    process.on('exit', () => {
      process.exitCode = exitCode.usage;
    });
  });
  process.stderr.on('error', () => {});
}
