import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { configDefaults, defineConfig } from 'vitest/config';

/** Tests that change nothing of their process that another could see, so the files of a worker share their modules. */
const sharing = [
  'harness/{compare,conformance,diagnose,measure,profile,results,scaffold,statistics,task,verify}/**/*.test.ts',
  'harness/program/!(live-processes|tool).test.ts',
  'harness/testing/*.test.ts',
  'harness/present/**/!(*.browser).test.ts',
  'impls/!(wasm-*)/**/*.test.ts',
  'impls/wasm-simd/kernels/*.test.ts',
];

export default defineConfig({
  test: {
    testTimeout: 60_000,
    hookTimeout: 60_000,
    // More than processors: many tests wait for the programs that they start.
    maxWorkers: Math.ceil(1.5 * availableParallelism()),
    // For the hundreds of programs that tests start: without it each strips its types anew.
    env: { NODE_COMPILE_CACHE: join(import.meta.dirname, '.cache', 'compile') },
    projects: [
      { extends: true, test: { name: 'sharing', include: sharing, isolate: false } },
      {
        extends: true,
        test: {
          name: 'isolated',
          include: ['harness/**/*.test.ts', 'impls/**/*.test.ts', 'scripts/**/*.test.ts', 'web/**/*.test.ts'],
          exclude: [...configDefaults.exclude, ...sharing],
        },
      },
    ],
  },
});
