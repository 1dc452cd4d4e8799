// Plain JavaScript, because it runs where TypeScript does not: `node harness/start.mjs SCRIPT.ts WORDS…` runs a script of this
// project, or says in one line why this Node cannot. npm puts the pinned Node first on the path, where its package is installed.
import * as module from 'node:module';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';

const [script] = process.argv.splice(2, 1);
const oldest = 24;
if (!process.features.typescript || Number.parseInt(process.versions.node, 10) < oldest) {
  console.error(
    `error: Node ${process.versions.node} cannot run TypeScript as it stands; expected Node ${oldest} or newer; run \`npm ci\`, ` +
      'which brings one (not with --omit=optional), or install one where there is no package for this machine',
  );
  process.exitCode = 2;
} else {
  // Compiled code is kept: without it each start strips all types anew.
  module.enableCompileCache(join(import.meta.dirname, '..', '.cache', 'compile'));
  await import(pathToFileURL(resolve(script)).href);
}
