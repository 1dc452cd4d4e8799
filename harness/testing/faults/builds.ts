import { mkdir, readdir, readFile, rm, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { expect } from 'vitest';
import { implementationsRoot } from '../../project.ts';
import type { Fault } from './fault.ts';
import { checkPlanted, PATIENT, SAW_NO_SECRET } from './rows.ts';
import { type Manifest, plantedSecrets, rightManifest, type World, waywardManifest } from './world.ts';

const chapter = 'A build fails';

/** A row whose build is a script of ours: `build.mjs OUTPUT`. Its program is a copy of the right one, made by the build. */
function built(script: string): { readonly manifest: Manifest; readonly script: string } {
  return {
    manifest: {
      ...waywardManifest('none'),
      build: { command: [process.execPath, 'build.mjs', '{output}'], inputs: ['build.mjs'] },
      run: { command: [process.execPath, '{output}/program.mjs', 'none'] },
    },
    script,
  };
}

/** What a right build makes: a program that is the wayward row without a fault. */
const makeProgram = `
import { appendFileSync, writeFileSync } from 'node:fs';
appendFileSync('runs.txt', 'ran;');
writeFileSync(process.argv[2] + '/program.mjs', 'await import(' + JSON.stringify(${JSON.stringify(`file://${join(import.meta.dirname, 'wayward-row.ts')}`)}) + ');');
`;

async function plant(world: World, { manifest, script }: ReturnType<typeof built>): Promise<string> {
  const folder = await world.plant('built', manifest);
  await writeFile(join(folder, 'build.mjs'), script);
  return folder;
}

function failing(fault: string, says: RegExp, script: string, where?: Fault['where']): Fault {
  return {
    chapter,
    fault: `A build ${fault}`,
    outcome: 'the row is `error` with the head and tail of what the build printed; the others are verified',
    ...(where === undefined ? {} : { where }),
    attempt: async (world) => {
      await plant(world, built(script));
      const row = await checkPlanted(world, 'built');
      expect(row).toMatchObject({ status: 'error', exitCode: 1 });
      expect(row.reason).toMatch(says);
      // It fails again, and for the same reason: nothing of it was kept.
      expect((await world.run(['check', 'built', '--impls', world.impls])).stdout).toMatch(says);
    },
  };
}

/** The file that the build of this world's row left in the cache. */
async function builtFile(world: World, project: string): Promise<string> {
  const root = join(project, '.cache', 'build');
  const [folder] = (await readdir(root)).filter((name) => name.startsWith('built-'));
  if (folder === undefined) throw new Error(`no build in ${world.folder}`);
  return join(root, folder, 'program.mjs');
}

function damaged(fault: string, damage: (file: string) => Promise<unknown>): Fault {
  return {
    chapter,
    fault,
    outcome: 'it is built again, and the row is verified',
    attempt: async (world) => {
      const project = await world.copyProject();
      const folder = await plant(world, built(makeProgram));
      const words = ['check', 'built', '--impls', world.impls, '--steps', '3'];
      expect((await world.run(words, { project })).exitCode).toBe(0);
      await damage(await builtFile(world, project));
      expect((await world.run(words, { project })).exitCode).toBe(0);
      expect(await readFile(join(folder, 'runs.txt'), 'utf8')).toBe('ran;ran;');
    },
  };
}

/** Hosts the row of WebAssembly kernels for its own task alone: a kernel for each random task would take long to build. */
const ONE_KERNEL = `
import { UnsupportedTask } from ${JSON.stringify(pathToFileURL(join(implementationsRoot, 'contract.ts')).href)};
import create from ${JSON.stringify(pathToFileURL(join(implementationsRoot, 'wasm-simd', 'wasm-simd.ts')).href)};
export default (task) => {
  const { nEmbd, blockSize } = task.model;
  if (nEmbd !== 16 || blockSize !== 16) throw new UnsupportedTask('another size');
  return create(task);
};
`;

/** For a second build of the same row to begin, with half a minute of patience. */
const WAIT_FOR_ANOTHER = `
const { readFileSync } = await import('node:fs');
for (let turn = 0; turn < 600 && readFileSync('runs.txt', 'utf8') === 'ran;'; turn++)
  await new Promise((resolve) => setTimeout(resolve, 50));
`;

const SAYS_WHAT_IT_SAW = `
const values = Object.values(process.env);
console.error('saw', values.filter((value) => value === 'planted-secret').length, 'secrets of', values.length, 'variables');
process.exit(4);
`;

const PRINTS_MUCH = `for (let i = 0; i < 3000; i++) process.stdout.write('x'.repeat(99_999) + '\\n');`;

export const buildFaults: readonly Fault[] = [
  failing('ends with an exit code', /ended with exit code 4/, "console.error('the first error'); process.exit(4);"),
  failing('is killed', /ended with signal SIGKILL/, "process.kill(process.pid, 'SIGKILL');", 'posix'),
  failing('ends well and leaves nothing', /left no file/, ''),
  failing('throws', /exit code 1/, "throw new Error('planted');"),
  failing('prints 300 megabytes and fails', /exit code 4/, `${PRINTS_MUCH} process.exitCode = 4;`),
  failing(
    'prints escapes and a workflow command',
    /exit code 4/,
    "console.error('\\u001b[2J\\n::error::planted'); process.exit(4);",
  ),
  failing(
    'leaves a descendant that holds its output, and fails',
    /exit code 4/,
    "import { spawn } from 'node:child_process'; spawn('sleep', ['1000'], { stdio: 'inherit', detached: true }).unref(); process.exit(4);",
    'linux',
  ),
  {
    chapter,
    fault: 'The program of a build does not exist',
    outcome: 'the row is `error`; the others are verified',
    attempt: async (world) => {
      await world.plant('built', {
        ...built('').manifest,
        build: { command: ['/no/such/compiler'], inputs: ['impl.json'] },
      });
      expect(await checkPlanted(world, 'built')).toMatchObject({
        status: 'error',
        reason: expect.stringMatching(/could not be run \(ENOENT\)/),
      });
    },
  },
  {
    chapter,
    fault: 'An input of a build is missing',
    outcome: 'the row is `error`; the others are verified',
    attempt: async (world) => {
      await world.plant('built', { ...built('').manifest, build: { command: ['true'], inputs: ['no-such.c'] } });
      expect(await checkPlanted(world, 'built')).toMatchObject({
        status: 'error',
        reason: expect.stringMatching(/"no-such\.c"/),
      });
    },
  },
  {
    chapter,
    fault: 'A build fails, and its cause is fixed outside its inputs',
    outcome: 'the next run builds again and verifies the row',
    attempt: async (world) => {
      const folder = await plant(
        world,
        built(`import { existsSync } from 'node:fs'; if (!existsSync('fixed')) process.exit(4);${makeProgram}`),
      );
      // With a cache of its own, which no earlier run of this fault has filled.
      const project = await world.copyProject();
      expect((await checkPlanted(world, 'built', PATIENT, { project })).status).toBe('error');
      await writeFile(join(folder, 'fixed'), '');
      expect((await checkPlanted(world, 'built', PATIENT, { project })).status).toBe('verified');
    },
  },
  {
    chapter,
    fault: 'A build looks at its environment, and ours holds secrets',
    outcome: 'the build never saw them',
    attempt: async (world) => {
      await plant(world, built(SAYS_WHAT_IT_SAW));
      const { stdout, stderr } = await world.run(['check', 'built', '--impls', world.impls], { env: plantedSecrets });
      expect(stdout + stderr).toMatch(SAW_NO_SECRET);
    },
  },
  damaged('A built program in the cache is cut', (file) => writeFile(file, 'await')),
  damaged('A built program in the cache is empty', (file) => writeFile(file, '')),
  damaged('A built program in the cache has one wrong letter', async (file) => {
    const text = await readFile(file, 'utf8');
    await writeFile(file, text.replace('import', 'impord'));
  }),
  damaged('A built program is missing from the cache', (file) => rm(file)),
  {
    chapter,
    fault: 'A WebAssembly kernel in the cache has one wrong byte, then it is cut',
    outcome: 'it is built again each time, and the row is verified',
    attempt: async (world) => {
      const project = await world.copyProject();
      const only = { min: 16, max: 16 };
      const manifest = { ...rightManifest, precision: 'float32', supports: [{ nEmbd: only, blockSize: only }] };
      const folder = await world.plant('kernel', { ...manifest, run: { module: 'kernel.mjs' } });
      await writeFile(join(folder, 'kernel.mjs'), ONE_KERNEL);
      const check = async () => {
        const { exitCode } = await world.run(['check', 'kernel', '--impls', world.impls, '--steps', '3'], { project });
        expect(exitCode).toBe(0);
      };
      await check();
      const cache = join(project, '.cache', 'kernels');
      const [name = ''] = await readdir(cache);
      const whole = await readFile(join(cache, name));
      const flipped = Uint8Array.from(whole);
      const middle = whole.length >> 1;
      flipped[middle] ^= 1;
      for (const damaged of [flipped, whole.subarray(0, middle)]) {
        await writeFile(join(cache, name), damaged);
        await check();
        expect(await readFile(join(cache, name))).toEqual(whole);
      }
    },
  },
  {
    chapter: 'A place for files is missing, full or something else',
    fault: 'The cache holds builds and kernels that nothing used for 31 days',
    outcome: 'they are removed when something is built; what was used since stays',
    attempt: async (world) => {
      const project = await world.copyProject();
      const folder = await plant(world, built(makeProgram));
      const words = ['check', 'built', '--impls', world.impls, '--steps', '3'];
      expect((await world.run(words, { project })).exitCode).toBe(0);
      const cached = (...names: readonly string[]) => join(project, '.cache', ...names);
      const [used = ''] = await readdir(cached('build'));
      const old = new Date(Date.now() - 31 * 24 * 3600 * 1000);
      await mkdir(cached('build', 'unused', 'release'), { recursive: true });
      await mkdir(cached('kernels'));
      await writeFile(cached('kernels', 'unused.wasm'), '');
      for (const path of [
        ['build', used],
        ['build', 'unused'],
        ['kernels', 'unused.wasm'],
      ])
        await utimes(cached(...path), old, old);
      expect((await world.run(words, { project })).exitCode).toBe(0);
      await writeFile(join(folder, 'build.mjs'), `${makeProgram}// Changed.`);
      expect((await world.run(words, { project })).exitCode).toBe(0);
      const left = await readdir(cached('build'));
      expect([left.length, left.includes(used), await readdir(cached('kernels'))]).toEqual([2, true, []]);
    },
  },
  {
    chapter,
    fault: 'Two runs build the same row at once',
    outcome: 'both verify it',
    attempt: async (world) => {
      await plant(world, built(`${makeProgram}${WAIT_FOR_ANOTHER}`));
      const words = ['check', 'built', '--impls', world.impls, '--steps', '3'];
      const project = await world.copyProject();
      const endings = await Promise.all([world.run(words, { project }), world.run(words, { project })]);
      expect(endings.map(({ exitCode }) => exitCode)).toEqual([0, 0]);
    },
  },
];
