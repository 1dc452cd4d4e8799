import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { manifestSchema } from '../../harness/program/manifest.ts';

/**
 * A commit like HEAD, except that each `train` of one TypeScript implementation takes longer by a fraction. A wrapper around
 * its module waits in a busy loop, in proportion to the time of the real work. So the losses stay right and every lap is slower.
 * The commit is on no branch, so git removes it later.
 *
 * @returns the commit's hash
 */
export async function slowedRevision(project: string, implementation: string, fraction: number): Promise<string> {
  const temporary = await mkdtemp(join(tmpdir(), 'slowed-'));
  const git = async (words: readonly string[], input = '') => {
    const env = { GIT_INDEX_FILE: join(temporary, 'index') };
    return (await execa('git', words, { cwd: project, env, input })).stdout.trim();
  };
  try {
    const manifestPath = `impls/${implementation}/impl.json`;
    const manifest = manifestSchema.parse(JSON.parse(await readFile(join(project, manifestPath), 'utf8')));
    if (!('module' in manifest.run)) throw new Error(`${implementation} is no TypeScript implementation`);
    const module = 'slowed.ts';
    const files = {
      [`impls/${implementation}/${module}`]: wrapper(manifest.run.module, fraction),
      [manifestPath]: JSON.stringify({ ...manifest, run: { ...manifest.run, module } }),
    };
    await git(['read-tree', 'HEAD']);
    for (const [path, text] of Object.entries(files)) {
      const blob = await git(['hash-object', '-w', '--stdin'], text);
      await git(['update-index', '--add', '--cacheinfo', `100644,${blob},${path}`]);
    }
    const identity = ['-c', 'user.name=trust-figures', '-c', 'user.email=trust-figures@example.invalid'];
    const message = `${implementation}, slower by ${fraction}`;
    return await git([...identity, 'commit-tree', await git(['write-tree']), '-p', 'HEAD', '-m', message]);
  } finally {
    await rm(temporary, { recursive: true });
  }
}

function wrapper(module: string, fraction: number): string {
  return `import create from './${module}';

export default async (task) => {
  const trainer = await create(task);
  const train = trainer.train.bind(trainer);
  trainer.train = (steps) => {
    const start = process.hrtime.bigint();
    const losses = train(steps);
    const end = start + ((process.hrtime.bigint() - start) * ${Math.round((1 + fraction) * 1000)}n) / 1000n;
    while (process.hrtime.bigint() < end);
    return losses;
  };
  return trainer;
};
`;
}
