import { cp, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname, join, sep } from 'node:path';
import { type Plugin, rolldown } from 'rolldown';
import { z } from 'zod';

export const librariesFolder = 'libraries';

/** Copied, not bundled: one file of 15 MB, already minified. The other 90 MB of binaryen's package are command-line tools. */
const takenAsItIs = new Map([['binaryen', 'index.js']]);

/** Leaves out zod's 60 languages: they are most of its size, and this project does not use them. */
const englishOnly: Plugin = {
  name: 'english-only',
  resolveId: (id, importer) =>
    id === '../locales/index.js' && importer?.includes('zod')
      ? join(dirname(importer), '..', 'locales', 'en.js')
      : null,
};

/**
 * Bundles libraries into `dist/libraries/`: one file each, shared chunks, and the licences of everything in them.
 * @returns the file of each library, by its name in imports
 */
export async function bundleLibraries(
  projectRoot: string,
  names: readonly string[],
  dist: string,
): Promise<ReadonlyMap<string, string>> {
  const folder = join(dist, librariesFolder);
  const entries = join(dist, 'entries');
  await mkdir(entries);
  const input: Record<string, string> = {};
  for (const name of names.filter((library) => !takenAsItIs.has(library))) {
    input[fileOf(name)] = join(entries, `${fileOf(name)}.mjs`);
    await writeFile(input[fileOf(name)], await exportsOf(name));
  }
  const bundle = await rolldown({
    ...{ cwd: projectRoot, platform: 'node', input, plugins: [englishOnly] },
    // CommonJS has these names; a module does not.
    transform: { define: { __filename: 'import.meta.filename', __dirname: 'import.meta.dirname' } },
  });
  const { output } = await bundle.write({ dir: folder, entryFileNames: '[name]', minify: true });
  await bundle.close();
  await rm(entries, { recursive: true });

  const nodeModules = join(projectRoot, 'node_modules');
  for (const [name, file] of takenAsItIs) await cp(join(nodeModules, name, file), join(folder, fileOf(name)));
  const modules = output.flatMap((part) => (part.type === 'chunk' ? part.moduleIds : []));
  const packages = new Set([...modules.flatMap(packageOf), ...takenAsItIs.keys()]);
  const licences = await Promise.all([...packages].sort().map((name) => licenceOf(join(nodeModules, name))));
  await writeFile(join(folder, 'LICENSES.txt'), licences.join('\n'));
  return new Map(names.map((name) => [name, fileOf(name)]));
}

function fileOf(name: string): string {
  return `${name.replace('/', '-')}.js`;
}

/** A module that exports by name what Node finds in a library. A bundler alone would export only the default of a CommonJS library. */
async function exportsOf(name: string): Promise<string> {
  const found: object = await import(name);
  const names = Object.keys(found).filter((key) => key !== 'module.exports');
  return `export { ${names.join(', ')} } from '${name}';\n`;
}

/** The package of a module, by its path below node_modules: `zod`, `@observablehq/plot`, `log-update/node_modules/slice-ansi`. */
function packageOf(module: string): readonly string[] {
  const path = module.split(sep).join('/').split('/node_modules/').slice(1);
  const inside = path.pop()?.match(/^(@[^/]+\/)?[^/]+/);
  return inside ? [[...path, inside[0]].join('/node_modules/')] : [];
}

/** Name, version and licence of a package, with the licence's text if the package has one. */
async function licenceOf(folder: string): Promise<string> {
  const manifest = z.object({ name: z.string(), version: z.string(), license: z.string() });
  const { name, version, license } = manifest.parse(JSON.parse(await readFile(join(folder, 'package.json'), 'utf8')));
  const file = (await readdir(folder)).find((entry) => /^licen[cs]e/i.test(entry));
  return `# ${name} ${version}: ${license}\n\n${file === undefined ? '' : await readFile(join(folder, file), 'utf8')}`;
}
