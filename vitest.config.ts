import { configDefaults, defineConfig } from 'vitest/config';

/** Tests that only compute. They change nothing that another could see, so the files of a worker share their modules. */
const computing = [
  'harness/{diagnose,measure,statistics,task}/**/*.test.ts',
  'harness/present/**/!(*.browser).test.ts',
  'impls/wasm-simd/kernels/*.test.ts',
];

export default defineConfig({
  test: {
    testTimeout: 60_000,
    hookTimeout: 60_000,
    // The default is a worker less than there are processors.
    maxWorkers: '100%',
    projects: [
      { extends: true, test: { name: 'computing', include: computing, isolate: false } },
      {
        extends: true,
        test: {
          name: 'running',
          include: ['harness/**/*.test.ts', 'impls/**/*.test.ts', 'scripts/**/*.test.ts', 'web/**/*.test.ts'],
          exclude: [...configDefaults.exclude, ...computing],
        },
      },
    ],
  },
});
