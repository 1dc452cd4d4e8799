/**
 * `npm run package`: makes `dist/`, the project as npm publishes it. It has no dependencies. TypeScript becomes JavaScript, because
 * Node strips no types below node_modules. Of the libraries it contains only what runs. The pinned Node is fetched when needed.
 */

import { existsSync } from 'node:fs';
import { chmod, cp, glob, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname, extname, join } from 'node:path';
import { execa } from 'execa';
import { z } from 'zod';
import { projectRoot } from '../harness/project.ts';
import { bundleLibraries, librariesFolder } from './package/libraries.ts';

const dist = join(projectRoot, 'dist');
const tsc = (...words: readonly string[]) =>
  execa('tsc', words, { cwd: projectRoot, preferLocal: true, stdout: 'inherit', stderr: 'inherit' });

const project = z
  .looseObject({
    name: z.string(),
    optionalDependencies: z.record(z.string(), z.string()),
    dependencies: z.record(z.string(), z.string()),
  })
  .parse(await readJson('package.json'));

await rm(dist, { recursive: true, force: true });
await tsc('--project', 'tsconfig.package.json');
await tsc(
  ...['--ignoreConfig', 'impls/contract.ts', '--declaration', '--emitDeclarationOnly', '--target', 'esnext'],
  '--outDir',
  join(dist, 'impls'),
);
await copyWhatIsNotCompiled();
const libraries = await bundleLibraries(projectRoot, Object.keys(project.dependencies), dist);
await renameImports();
await writePinnedNode();
await writeManifest();

async function readJson(file: string): Promise<unknown> {
  return JSON.parse(await readFile(join(projectRoot, file), 'utf8'));
}

/** Copies what runs beside the compiled code: templates, manifests, other languages, the reference, published figures. */
async function copyWhatIsNotCompiled(): Promise<void> {
  const parts = [
    ...['bin', 'harness', 'impls', 'reference', 'results/published.json', 'results/claims.json'],
    ...['README.md', 'LICENSE'],
  ];
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
  await chmod(join(dist, 'bin', 'microgpt-bench.mjs'), 0o755);
}

/**
 * Replaces names of source files in strings, such as `new URL('./worker.ts', …)` or a manifest's module, by the names of the
 * compiled files. Replaces names of libraries by the paths of their bundles.
 */
async function renameImports(): Promise<void> {
  for await (const path of glob('{harness,impls}/**/{*.js,impl.json}', { cwd: dist })) {
    const file = join(dist, path);
    const text = await readFile(file, 'utf8');
    const toLibraries = '../'.repeat(path.split(/[\\/]/).length - 1) + librariesFolder;
    const renamed = text
      .replaceAll(/(["'])([\w./-]+)\.ts\1/g, (whole, quote: string, name: string) =>
        existsSync(join(dirname(file), `${name}.js`)) ? `${quote}${name}.js${quote}` : whole,
      )
      .replaceAll(/(?<=\bfrom |\bimport\()(["'])([@\w/.-]+)\1/g, (whole, quote: string, name: string) => {
        const bundle = libraries.get(name);
        return bundle === undefined ? whole : `${quote}${toLibraries}/${bundle}${quote}`;
      });
    if (renamed !== text) await writeFile(file, renamed);
  }
}

/** Writes what bin/pinned-node.mjs fetches: the package of each platform, with its hash from this project's lock file. */
async function writePinnedNode(): Promise<void> {
  const of = z.union([z.string().transform((one) => [one]), z.array(z.string())]);
  const entry = z.object({ version: z.string(), integrity: z.string(), os: of, cpu: of });
  const { packages } = z
    .object({ packages: z.record(z.string(), z.unknown()) })
    .parse(await readJson('package-lock.json'));
  const pinned = Object.keys(project.optionalDependencies).map((name) => ({
    name,
    ...entry.parse(packages[`node_modules/${name}`]),
  }));
  await writeFile(join(dist, 'pinned-node.json'), json(pinned));
}

/** Writes the published manifest: this project's own, without what only its developers need. */
async function writeManifest(): Promise<void> {
  const { name, version, description, license, type, engines } = project;
  const manifest = {
    ...{ name, version, description, license, type, engines },
    bin: { [project.name]: 'bin/microgpt-bench.mjs' },
    exports: {
      './contract': { types: './impls/contract.d.ts', default: './impls/contract.js' },
      './package.json': './package.json',
    },
  };
  await writeFile(join(dist, 'package.json'), json(manifest));
}

function json(value: object): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}
