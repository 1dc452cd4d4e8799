import { vi } from 'vitest';
import { runCommandLine } from '../cli/run-command-line.ts';

/** What a command line printed, and its exit code. */
export interface CommandLineEnding {
  readonly stdout: string;
  readonly stderr: string;
  readonly exitCode: number | string;
}

/**
 * For tests only: a command line that is refused before it starts anything, run in this process, which spares the start of
 * another. That the tool's own process ends with the same is tested where the tool runs.
 */
export async function refusedCommandLine(...words: readonly string[]): Promise<CommandLineEnding> {
  const told: string[] = [];
  const spies = [
    vi.spyOn(console, 'error').mockImplementation((line) => void told.push(`${line}\n`)),
    vi.spyOn(process.stderr, 'write').mockImplementation((text) => told.push(String(text)) > 0),
  ];
  const printed: string[] = [];
  spies.push(
    vi.spyOn(console, 'log').mockImplementation((line) => void printed.push(`${line}\n`)),
    vi.spyOn(process.stdout, 'write').mockImplementation((text) => printed.push(String(text)) > 0),
  );
  try {
    const exitCode = await runCommandLine(words);
    return { stdout: printed.join(''), stderr: told.join('').trimEnd(), exitCode };
  } finally {
    for (const spy of spies) spy.mockRestore();
  }
}
