import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['harness/testing/faults/*.faults.ts'],
    testTimeout: 120_000,
    sequence: { concurrent: false },
  },
});
