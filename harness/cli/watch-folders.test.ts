import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { isByProduct, watchFolders } from './watch-folders.ts';

let folder: string;
let controller: AbortController;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'microgpt-bench-'));
  await mkdir(join(folder, 'kernels'));
  controller = new AbortController();
});
afterEach(async () => {
  controller.abort();
  await rm(folder, { recursive: true });
});

test('a save is noticed, deep inside too, and once for a burst', async () => {
  const watching = watchFolders([folder], controller.signal);
  for (const text of ['one', 'two', 'three']) await writeFile(join(folder, 'kernels', 'adam.ts'), text);
  await watching.saved();
  const again = watching.saved().then(
    () => 'saved',
    () => 'interrupted',
  );
  controller.abort(new Error('interrupted'));
  expect(await again).toBe('interrupted');
});

test.each([
  ['__pycache__/train.pyc', true],
  ['target/release/train', true],
  ['src/.train.rs.swp', true],
  ['src/train.rs', false],
  ['targets.ts', false],
  ['impl.json', false],
])('%s: a by-product is %s', (path, expected) => {
  expect(isByProduct(path)).toBe(expected);
});
