/** `npm run package`: makes `dist/`, the project as npm installs it. TypeScript becomes JavaScript, for Node strips no types below node_modules. */

import { existsSync } from 'node:fs';
import { cp, glob, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname, extname, join } from 'node:path';
import { execa } from 'execa';
import { z } from 'zod';
import { projectRoot } from '../harness/project.ts';

const dist = join(projectRoot, 'dist');
const tsc = (...words: readonly string[]) =>
  execa('tsc', words, { cwd: projectRoot, preferLocal: true, stdout: 'inherit', stderr: 'inherit' });

await rm(dist, { recursive: true, force: true });
await tsc('--project', 'tsconfig.package.json');
await tsc(
  ...['--ignoreConfig', 'impls/contract.ts', '--declaration', '--emitDeclarationOnly', '--target', 'esnext'],
  '--outDir',
  join(dist, 'impls'),
);
await copyWhatIsNotCompiled();
await renameSourcesInTexts();
await writeVersion();

/** Everything that runs beside the compiled code: templates, manifests, other languages, the reference, published figures. */
async function copyWhatIsNotCompiled(): Promise<void> {
  const parts = ['harness', 'impls', 'reference', 'results/published.json', 'results/claims.json'];
  const generated =
    /(^|[\\/])(testing|target|__pycache__|node_modules|names\.txt)([\\/]|$)|\.slow\.ts$|\.test\.(ts|py|jl)$/;
  const isTemplate = (path: string) => path.includes(join('scaffold', 'templates'));
  for (const part of parts) {
    await cp(join(projectRoot, part), join(dist, part), {
      recursive: true,
      filter: (path) =>
        !generated.test(path.slice(projectRoot.length)) && (extname(path) !== '.ts' || isTemplate(path)),
    });
  }
}

/** Names of sources that stand in texts, such as `new URL('./worker.ts', …)` or a manifest's module, become those of what was compiled. */
async function renameSourcesInTexts(): Promise<void> {
  for await (const path of glob('{harness,impls}/**/{*.js,impl.json}', { cwd: dist })) {
    const file = join(dist, path);
    const text = await readFile(file, 'utf8');
    const renamed = text.replaceAll(/(["'])([\w./-]+)\.ts\1/g, (whole, quote: string, name: string) =>
      existsSync(join(dirname(file), `${name}.js`)) ? `${quote}${name}.js${quote}` : whole,
    );
    if (renamed !== text) await writeFile(file, renamed);
  }
}

/** What `--version` says, and that these files are modules. */
async function writeVersion(): Promise<void> {
  const { version } = z
    .object({ version: z.string() })
    .parse(JSON.parse(await readFile(join(projectRoot, 'package.json'), 'utf8')));
  await writeFile(join(dist, 'package.json'), `${JSON.stringify({ private: true, type: 'module', version })}\n`);
}
