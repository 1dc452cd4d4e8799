// The Node that everything is measured on. npm fetches it once into the user's cache folder, for all projects, and checks it against
// the hash in pinned-node.json.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { basename, dirname, join } from 'node:path';

const isWindows = process.platform === 'win32';
const packages = JSON.parse(readFileSync(new URL('../pinned-node.json', import.meta.url), 'utf8'));

/** `26.10.0` */
export const pinnedVersion = packages[0].version;

const home = join(userCache(), 'microgpt-bench', `node-${pinnedVersion}-${process.platform}-${process.arch}`);
const program = join(home, 'bin', isWindows ? 'node.exe' : 'node');

function userCache() {
  const { XDG_CACHE_HOME, LOCALAPPDATA } = process.env;
  if (XDG_CACHE_HOME) return XDG_CACHE_HOME;
  if (isWindows) return LOCALAPPDATA ?? join(homedir(), 'AppData', 'Local');
  return join(homedir(), ...(process.platform === 'darwin' ? ['Library', 'Caches'] : ['.cache']));
}

/** Path of the pinned Node, or undefined if it is not fetched yet. */
export function keptNode() {
  return existsSync(program) ? program : undefined;
}

/**
 * Fetches the pinned Node and returns its path.
 * @throws {Error} with a reason of a few words, if npm cannot fetch it or it does not run here
 */
export function fetchNode() {
  const wanted = packages.find(({ os, cpu }) => os.includes(process.platform) && cpu.includes(process.arch));
  if (wanted === undefined) throw new Error(`there is none for ${process.platform}-${process.arch}`);
  console.error(`fetching Node ${pinnedVersion}, on which all rows are measured, once, into ${home}`);
  mkdirSync(dirname(home), { recursive: true });
  const unfinished = mkdtempSync(`${home}-`);
  try {
    runNpm(unfinished, wanted);
    const folder = join(unfinished, 'node_modules', wanted.name);
    for (const part of ['include', 'share']) rmSync(join(folder, part), { recursive: true, force: true });
    if (spawnSync(join(folder, 'bin', basename(program)), ['--version']).status !== 0)
      throw new Error('what npm brought does not run on this machine');
    moveIntoPlace(folder);
    return program;
  } finally {
    rmSync(unfinished, { recursive: true, force: true });
  }
}

/** A lock file makes npm refuse a package of another hash. */
function runNpm(folder, { name, version, integrity }) {
  const manifest = { name: 'pinned-node', dependencies: { [name]: version } };
  const lock = { lockfileVersion: 3, packages: { '': manifest, [`node_modules/${name}`]: { version, integrity } } };
  writeFileSync(join(folder, 'package.json'), JSON.stringify(manifest));
  writeFileSync(join(folder, 'package-lock.json'), JSON.stringify(lock));
  // Through a shell, because npm is a batch file on Windows.
  const words = 'npm ci --ignore-scripts --no-audit --no-fund --loglevel=error --fetch-retry-mintimeout=1000';
  const npm = spawnSync(words, { cwd: folder, encoding: 'utf8', shell: true });
  if (npm.status !== 0) throw new Error(firstError(npm.stderr ?? ''));
}

/** If another process was first, its Node is kept. */
function moveIntoPlace(folder) {
  try {
    renameSync(folder, home);
  } catch (error) {
    if (!existsSync(program)) throw error;
  }
}

/** npm's first error, without its `npm error` in front: `network request to … failed`. */
function firstError(text) {
  const lines = text.split('\n').map((line) => line.replace(/^npm (error|ERR!) ?/i, '').trim());
  return lines.find((line) => line !== '' && !/^(code|errno|syscall) /.test(line)) ?? 'npm failed';
}
