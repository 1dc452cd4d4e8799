import { enableCompileCache } from 'node:module';
import { cacheFolder } from '../project.ts';

// Before anything else is loaded: a cache of compiled code halves the start-up.
enableCompileCache(cacheFolder('compile'));
const { runCommandLine, surviveClosedOutput } = await import('./run-command-line.ts');
surviveClosedOutput();
process.exitCode = await runCommandLine(process.argv.slice(2));
