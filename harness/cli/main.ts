import { enableCompileCache } from 'node:module';
import { cacheFolder } from '../project.ts';

// Before anything else is loaded: a cache of compiled code halves the start-up.
enableCompileCache(cacheFolder('compile'));
// A sign of life on a terminal: loading takes a third of a second, and longer on a busy machine.
const isSeen = process.stderr.isTTY && process.env['CI'] === undefined;
if (isSeen) process.stderr.write('loading');
const { runCommandLine, surviveClosedOutput } = await import('./run-command-line.ts');
surviveClosedOutput();
process.exitCode = await runCommandLine(process.argv.slice(2), () => {
  if (isSeen) process.stderr.write('\r\u001b[K');
});
