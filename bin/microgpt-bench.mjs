#!/usr/bin/env node
// Plain JavaScript, because it must run on any Node. A command that runs rows is handed to the pinned Node, on which everything is
// measured. Other commands stay on the Node that started this file, and so does a command whose `--runtime` asks for that Node.
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { fetchNode, keptNode, pinnedVersion } from './pinned-node.mjs';

const oldest = 24;
const words = process.argv.slice(2);
const main = '../harness/cli/main.js';

const isRecent = Number.parseInt(process.versions.node, 10) >= oldest;
const runtimes = words.flatMap(
  (word, i) => (words[i - 1] === '--runtime' ? word : /^--runtime=(.*)/.exec(word)?.[1]) ?? [],
);
const runsRows = ['bench', 'check', 'profile'].includes(words[0]) && !words.includes('--help') && !words.includes('-h');

if (process.versions.node === pinnedVersion || (isRecent && runtimes.length > 0)) {
  await import(main);
} else if (runtimes.some((names) => names.split(',').includes('node'))) {
  console.error(
    `error: --runtime node: got Node ${process.versions.node}; expected ${oldest} or newer; leave it out to run on Node ${pinnedVersion}`,
  );
  process.exitCode = 2;
} else if (keptNode() !== undefined) {
  handOver(keptNode());
} else if (isRecent && !runsRows) {
  await import(main);
} else {
  try {
    handOver(fetchNode());
  } catch (error) {
    console.error(
      `error: Node ${pinnedVersion} cannot be fetched (${error.message}); ${
        isRecent
          ? `add --runtime node to run on this Node ${process.versions.node}`
          : `got Node ${process.versions.node}; expected Node ${oldest} or newer, which --runtime node then runs on; install one`
      }`,
    );
    process.exitCode = 2;
  }
}

function handOver(node) {
  const child = spawn(node, [fileURLToPath(new URL(main, import.meta.url)), ...words], { stdio: 'inherit' });
  // Ctrl-C reaches the child by itself; it decides when to end.
  for (const signal of ['SIGINT', 'SIGHUP']) process.on(signal, () => {});
  process.on('SIGTERM', () => child.kill('SIGTERM'));
  child.on('exit', (code, signal) => {
    process.exitCode = code ?? (signal === null ? 1 : 130);
  });
}
