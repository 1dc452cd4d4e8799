import { exitCode } from './exit-code.ts';

/**
 * Keeps a run going whose reader went away (`npm run bench | head`): nothing more is shown, but results are saved. Output that
 * cannot be written for another reason, such as a full disk, is told once and ends with the exit code of bad input.
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
  // Whoever closed both has nothing left to be told.
  process.stderr.on('error', () => {});
}
