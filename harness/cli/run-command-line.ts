import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Command, CommanderError } from 'commander';
import { z } from 'zod';
import { printableLine } from '../printable.ts';
import { projectRoot } from '../project.ts';
import { describeSystemError } from '../system-error.ts';
import { UsageError } from '../usage-error.ts';
import { benchCommand } from './bench.ts';
import { checkCommand } from './check.ts';
import { compareCommand } from './compare.ts';
import { exitCode } from './exit-code.ts';
import { refuseForgottenDashes } from './forgotten-dashes.ts';
import { historyCommand } from './history.ts';
import { interruptSignal } from './interrupt.ts';
import { listCommand } from './list.ts';
import { mergeCommand } from './merge.ts';
import { newCommand } from './new.ts';
import { profileCommand } from './profile.ts';
import { reportCommand } from './report.ts';
import { showCommand } from './show.ts';

/** Each sets `process.exitCode`, and throws a UsageError for bad input. */
const commands: readonly (() => Command)[] = [
  benchCommand,
  checkCommand,
  compareCommand,
  historyCommand,
  listCommand,
  mergeCommand,
  newCommand,
  profileCommand,
  reportCommand,
  showCommand,
];

/** Runs one command line, prints what goes wrong in one line, and returns the exit code. */
export async function runCommandLine(words: readonly string[]): Promise<number | string> {
  process.exitCode = undefined;
  try {
    const root = program();
    // Before anything is parsed: the value of a flag that npm kept is one word too many.
    const command = root.commands.find((candidate) => candidate.name() === words[0]);
    if (command !== undefined) refuseForgottenDashes(command);
    await root.parseAsync(words, { from: 'user' });
    return interruptSignal().aborted ? exitCode.interrupted : (process.exitCode ?? exitCode.ok);
  } catch (error) {
    if (interruptSignal().aborted) {
      console.error('interrupted');
      return exitCode.interrupted;
    }
    if (error instanceof UsageError) return complain(error.message);
    if (error instanceof CommanderError) {
      // No command: commander has shown the help.
      if (error.code === 'commander.help') return exitCode.usage;
      return error.exitCode === 0 ? exitCode.ok : complain(error.message.replace(/^error: /, ''));
    }
    const ofTheSystem = describeSystemError(error);
    if (ofTheSystem !== undefined) return complain(ofTheSystem);
    // A bug of ours deserves its stack.
    console.error(error);
    return exitCode.wrong;
  }
}

const LONGEST_MESSAGE = 4_000;

function complain(message: string): number {
  // Words of the command line may hold anything, and a CI service obeys some lines.
  console.error(`error: ${printableLine(message.replace(/\s*\n\s*/g, ' '), LONGEST_MESSAGE)}`);
  // What was found of the implementations weighs more than that it could not be kept.
  const found = process.exitCode;
  return found === exitCode.wrong || found === exitCode.regression ? found : exitCode.usage;
}

function program(): Command {
  const root = new Command('microgpt-bench')
    .description(
      'Trains one tiny GPT with many implementations, verifies every loss, and says how much faster each is.',
    )
    .version(packageVersion(), '--version', 'print the version')
    .showSuggestionAfterError();
  for (const make of commands) root.addCommand(make());
  for (const command of [root, ...root.commands]) {
    command.exitOverride();
    // Errors are printed in one place, as one line.
    command.configureOutput({ outputError: () => {} });
  }
  return root;
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
