import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'vitest';
import { comparisonSchema } from '../../results/comparison.ts';
import { benchResult, verifiedRow } from '../example-result.ts';
import type { Fault } from './fault.ts';
import { processesOf, rightManifest, type World, waywardManifest } from './world.ts';

const chapter = 'A comparison goes wrong';

/** GitHub reads the summary from a file that it names, and here it cannot be written. */
function unwritableSummary(fault: string, place: (world: World) => Promise<string>, where?: Fault['where']): Fault {
  return {
    chapter,
    fault: `The job summary, \`GITHUB_STEP_SUMMARY\`, ${fault}`,
    outcome: 'the verdict is printed and written, and decides the exit code; then a warning says what is missing',
    ...(where === undefined ? {} : { where }),
    attempt: async (world) => {
      const [base, head] = [world.path('base.json'), world.path('head.json')];
      const rows = [verifiedRow({ roundsMicrosecondsPerSample: [50, 50, 50, 50, 50, 50, 50, 50] })];
      for (const file of [base, head]) await writeFile(file, JSON.stringify(benchResult({ rows })));
      const words = ['compare', base, head, '--github', '--json', world.path('comparison.json')];
      const env = { GITHUB_STEP_SUMMARY: await place(world) };
      const { stdout, stderr, exitCode } = await world.run(words, { env });
      expect(stdout).toMatch(/fast.*no change/);
      expect(stderr).toMatch(/^warning: GITHUB_STEP_SUMMARY cannot be written \(.+\)$/);
      comparisonSchema.parse(JSON.parse(await readFile(world.path('comparison.json'), 'utf8')));
      expect(exitCode).toBe(0);
    },
  };
}

/** A repository whose head is the working tree. */
async function repository(
  world: World,
): Promise<{ readonly project: string; readonly git: (...words: string[]) => string }> {
  const project = await world.copyProject();
  await writeFile(join(project, '.gitignore'), 'node_modules\n.cache\n');
  const git = (...words: string[]) =>
    execFileSync('git', ['-c', 'user.name=test', '-c', 'user.email=test@example.org', ...words], {
      cwd: project,
      encoding: 'utf8',
    });
  git('init', '--quiet');
  git('add', '--all');
  git('commit', '--quiet', '--message', 'base');
  return { project, git };
}

const COMPARE = ['compare', 'analytic', '--base', 'HEAD', '--allow-dirty'];

function lost(fault: string, says: RegExp, manifest: Readonly<Record<string, unknown>>): Fault {
  return {
    chapter,
    fault: `A row ${fault} in head, and ran in base`,
    outcome: 'it is lost, and the comparison fails; exit code 1',
    attempt: async (world) => {
      const { project } = await repository(world);
      await writeFile(join(project, 'impls', 'analytic', 'impl.json'), JSON.stringify(manifest));
      const { stdout, exitCode } = await world.run(COMPARE, { project });
      expect(stdout.replaceAll(/\s+/g, ' ')).toMatch(says);
      expect(exitCode).toBe(1);
    },
  };
}

export const comparisonFaults: readonly Fault[] = [
  unwritableSummary('is a folder', async (world) => world.impls),
  unwritableSummary('lies in a folder that does not exist', async (world) => world.path('no-such', 'summary.md')),
  unwritableSummary('lies on a full device', async () => '/dev/full', 'linux'),
  unwritableSummary('cannot be written to', async () => '/proc/version', 'linux'),
  unwritableSummary(
    'is a FIFO that nobody reads',
    async (world) => {
      execFileSync('mkfifo', [world.path('fifo')]);
      return world.path('fifo');
    },
    'posix',
  ),
  lost(
    'declines its task',
    /base is right here, head does not run: not ::error/,
    waywardManifest('declines with escapes and a workflow command'),
  ),
  lost('needs a program that is missing', /base is right here, head does not run: no-such-program not found/, {
    ...rightManifest,
    run: { module: 'analytic.ts' },
    needs: [{ program: 'no-such-program' }],
  }),
  {
    chapter,
    fault: 'Head has no row any more, and base had two',
    outcome: 'each is `removed`, and the comparison fails; exit code 1',
    attempt: async (world) => {
      const { project } = await repository(world);
      for (const name of ['analytic', 'scalar-autograd']) await rm(join(project, 'impls', name), { recursive: true });
      const { stdout, exitCode } = await world.run(['compare', '--base', 'HEAD', '--allow-dirty'], { project });
      expect(stdout).toMatch(/analytic.*removed.*scalar-autograd.*removed/s);
      expect(exitCode).toBe(1);
    },
  },
  {
    chapter,
    fault: 'The checkout belongs to another user, so that git will not read it',
    outcome: 'one line says so in the words of git; exit code 2',
    where: 'mounts',
    attempt: async (world) => {
      const { project } = await repository(world);
      execFileSync('chown', ['--recursive', '--no-dereference', '12345', project]);
      const { stdout, stderr, exitCode } = await world.run(COMPARE, { project });
      expect(stderr).toMatch(/^error: .*dubious ownership.*$/);
      expect([stdout, exitCode]).toEqual(['', 2]);
    },
  },
  {
    chapter,
    fault: 'The tool is killed outright while it compares',
    outcome: 'nothing that it started goes on, and the next comparison removes its checkouts',
    where: 'linux',
    attempt: async (world) => {
      const { project, git } = await repository(world);
      await mkdir(join(project, 'impls', 'hanging'));
      await writeFile(
        join(project, 'impls', 'hanging', 'impl.json'),
        JSON.stringify(waywardManifest('never gets ready')),
      );
      const running = world.start(['compare', 'hanging', '--base', 'HEAD', '--allow-dirty'], { project });
      const programs = () => {
        const ours = processesOf(world.temporary);
        return processesOf('MICROGPT_BENCH_RUN=').filter((pid) => ours.includes(pid));
      };
      await expect.poll(programs, { timeout: 60_000 }).not.toEqual([]);
      running.kill('SIGKILL');
      await running;
      await world.expectEnded();
      expect(git('worktree', 'list').trim().split('\n')).toHaveLength(2);
      expect((await world.run([...COMPARE], { project })).exitCode).toBe(0);
      expect(git('worktree', 'list').trim().split('\n')).toHaveLength(1);
    },
  },
  {
    chapter,
    fault: 'The tool is killed outright while it compares, and `npm ci` runs a busy script that left a descendant',
    outcome: 'nothing that it started goes on, and the checkout goes',
    where: 'linux',
    attempt: async (world) => {
      const { project, git } = await repository(world);
      const begun = world.path('begun');
      await writeFile(join(project, 'install.cjs'), busyInstall(begun));
      const named = { name: 'busy', version: '1.0.0', type: 'module' };
      const lock = (version: string) =>
        writeFile(
          join(project, 'package-lock.json'),
          JSON.stringify({ ...named, version, lockfileVersion: 3, packages: {} }),
        );
      await writeFile(
        join(project, 'package.json'),
        JSON.stringify({ ...named, scripts: { install: 'node install.cjs' } }),
      );
      await lock('1.0.0');
      git('add', '--all');
      git('commit', '--quiet', '--message', 'installs');
      // Another lock file than that of the base, which is then installed anew.
      await lock('1.0.1');
      const running = world.start(COMPARE, { project });
      await expect.poll(() => existsSync(begun), { timeout: 60_000 }).toBe(true);
      running.kill('SIGKILL');
      await running;
      await world.expectEnded();
    },
  },
];

/** A script of a package that never ends, and that left a descendant in a session of its own. */
const busyInstall = (begun: string) => `
require('node:child_process').spawn('sleep', ['1000'], { detached: true, stdio: 'ignore' }).unref();
require('node:fs').writeFileSync(${JSON.stringify(begun)}, '');
for (;;);
`;
