import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { slowedRevision } from './slowed-revision.ts';

let folder: string;
const git = async (...words: string[]) =>
  (await execa('git', ['-c', 'user.name=t', '-c', 'user.email=t@example.invalid', ...words], { cwd: folder })).stdout;
const manifest = { protocol: 2, language: 'TypeScript', technique: 'x', precision: 'float64', order: 1 };

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'slowed-test-'));
  await mkdir(join(folder, 'impls', 'toy'), { recursive: true });
  await writeFile(
    join(folder, 'impls', 'toy', 'impl.json'),
    JSON.stringify({ ...manifest, run: { module: 'toy.ts' } }),
  );
  await writeFile(
    join(folder, 'impls', 'toy', 'toy.ts'),
    `export default () => ({ calls: 0, train(n) { const end = performance.now() + 5; while (performance.now() < end); this.calls += n; return [this.calls]; } });`,
  );
  await git('init', '--quiet', '--initial-branch=main');
  await git('add', '.');
  await git('commit', '--quiet', '--message=first');
});
afterEach(() => rm(folder, { recursive: true }));

test('the commit changes one implementation, and neither branch, index nor files', async () => {
  const commit = await slowedRevision(folder, 'toy', 0.1);
  expect(await git('diff', '--name-only', 'HEAD', commit)).toBe('impls/toy/impl.json\nimpls/toy/slowed.ts');
  expect(await git('status', '--porcelain')).toBe('');
  expect(await git('branch', '--contains', commit)).toBe('');
});

test('the wrapper trains as before and waits in proportion', async () => {
  const commit = await slowedRevision(folder, 'toy', 1);
  await git('checkout', '--quiet', commit);
  const { default: create } = await import(join(folder, 'impls', 'toy', 'slowed.ts'));
  const trainer = await create({});
  const start = performance.now();
  expect(trainer.train(3)).toEqual([3]);
  expect(performance.now() - start).toBeGreaterThanOrEqual(10);
  expect(trainer.train(2)).toEqual([5]);
});

test('an implementation in another language cannot be wrapped', async () => {
  await writeFile(join(folder, 'impls', 'toy', 'impl.json'), JSON.stringify({ ...manifest, run: { command: ['x'] } }));
  await expect(slowedRevision(folder, 'toy', 0.1)).rejects.toThrow('no TypeScript implementation');
});
