import { enableCompileCache } from 'node:module';
import { join } from 'node:path';

// Before anything else is loaded: what was compiled once is found again the next time, which halves the start-up.
enableCompileCache(join(import.meta.dirname, '../..', '.cache', 'compile'));
const { surviveClosedOutput } = await import('./closed-output.ts');
surviveClosedOutput();
const { runCommandLine } = await import('./run-command-line.ts');
process.exitCode = await runCommandLine(process.argv.slice(2));
