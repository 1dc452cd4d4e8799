import { relative } from 'node:path';
import { build, type Plugin } from 'vite';
import { expect, test } from 'vitest';
import { projectRoot } from '../harness/project.ts';
import { siteConfig } from './site.ts';

test('the page and its workers import nothing of Node, and run tasks, verification and implementations unchanged', async () => {
  const files = new Set<string>();
  const watch: Plugin = {
    name: 'watch',
    moduleParsed: ({ id }) => {
      files.add(relative(projectRoot, id.replace(/\?.*$/, '')));
    },
  };
  const config = siteConfig('unused', []);
  await build({
    ...config,
    logLevel: 'silent',
    plugins: [config.plugins, watch],
    worker: { ...config.worker, plugins: () => [...(config.worker?.plugins?.() ?? []), watch] },
    build: { ...config.build, write: false },
  });
  const names = [...files];
  expect(names.filter((name) => /node:|__vite-browser-external|node_modules\/(?!vite\/)/.test(name))).toEqual([]);
  for (const needed of [
    'harness/task/task-of-dataset.ts',
    'harness/verify/force-steps.ts',
    'harness/verify/teacher.ts',
    'impls/scalar-autograd/scalar-autograd.ts',
    'impls/flat-tape/flat-tape.ts',
    'impls/analytic/analytic.ts',
    'impls/wasm-simd/trainer.ts',
    'impls/wasm-simd/wasm-simd.ts',
    'impls/wasm-simd-f64/wasm-simd-f64.ts',
    'web/kernel-source.ts',
  ])
    expect(names).toContain(needed);
  expect(names).not.toContain('impls/wasm-simd/kernel-cache.ts');
});
