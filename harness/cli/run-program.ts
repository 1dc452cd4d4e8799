import { Command, CommanderError } from 'commander';
import { printableLine } from '../printable.ts';
import { commandLine } from '../project.ts';
import { describeSystemError } from '../system-error.ts';
import { UsageError } from '../usage-error.ts';
import { exitCode } from './exit-code.ts';
import { refuseForgottenDashes } from './forgotten-dashes.ts';
import { interruptSignal } from './interrupt.ts';

/** A script of package.json that is no command of the tool: `npm run NAME`. */
export function runScript(script: Command): Promise<number | string> {
  return runProgram(new Command('npm run').addCommand(script), [script.name(), ...process.argv.slice(2)]);
}

/**
 * Runs one of a program's commands, prints what goes wrong in one line, and returns the exit code. A command sets
 * `process.exitCode`, and throws a UsageError for bad input.
 */
export async function runProgram(root: Command, words: readonly string[]): Promise<number | string> {
  process.exitCode = undefined;
  for (const command of [root, ...root.commands]) {
    command.exitOverride();
    // Errors are printed in one place, as one line.
    command.configureOutput({ outputError: () => {} });
    // Commander's own least width of a wrapped description, 40, leaves none wrapped at 60 columns.
    command.configureHelp({ minWidthToWrap: 10, ...(command === root ? {} : { commandUsage: asTyped }) });
  }
  try {
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

/** With the `--` that npm needs. */
function asTyped(command: Command): string {
  return commandLine(command.name(), ...command.usage().split(' '));
}

const LONGEST_MESSAGE = 4_000;

function complain(message: string): number {
  // Words of the command line may hold anything, and a CI service obeys some lines.
  console.error(`error: ${printableLine(message.replace(/\s*\n\s*/g, ' '), LONGEST_MESSAGE)}`);
  // What was found of the implementations weighs more than that it could not be kept.
  const found = process.exitCode;
  return found === exitCode.wrong || found === exitCode.regression ? found : exitCode.usage;
}
