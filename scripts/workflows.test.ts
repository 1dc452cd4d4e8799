import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { z } from 'zod';

const stepSchema = z.object({
  if: z.string().optional(),
  run: z.string().optional(),
  uses: z.string().optional(),
  with: z.looseObject({ path: z.string().optional() }).optional(),
});
const workflowSchema = z.object({
  jobs: z.record(
    z.string(),
    z.object({
      strategy: z.object({ matrix: z.looseObject({ os: z.array(z.string()) }) }).optional(),
      steps: z.array(stepSchema),
    }),
  ),
});

async function jobs(name: string) {
  const path = join(import.meta.dirname, '..', '.github', 'workflows', name);
  return workflowSchema.parse(parse(await readFile(path, 'utf8'))).jobs;
}

const { compare, table } = await jobs('bench.yml');
const measuring = ({ run }: z.infer<typeof stepSchema>) => /^npm run (bench|compare)/.test(run ?? '');

test('a row that breaks does not keep table and results from being uploaded', () => {
  for (const { steps } of [compare, table]) {
    const after = steps.slice(steps.findIndex(measuring) + 1);
    expect(after.some(({ uses }) => uses?.startsWith('actions/upload-artifact@'))).toBe(true);
    for (const step of after) expect(step.if, step.run ?? step.uses).toBe('always()');
  }
  expect(table.steps.some(({ run }) => run?.includes('GITHUB_STEP_SUMMARY'))).toBe(true);
});

test('what was built and computed in one run is there in the next', () => {
  for (const { steps } of [compare, table]) {
    const before = steps.slice(0, steps.findIndex(measuring));
    expect(before.map((step) => step.with?.path)).toContain('.cache');
  }
});

test('every push is timed on Linux, macOS and Windows, on both kinds of processor', async () => {
  const { test: job } = await jobs('ci.yml');
  expect(job.strategy?.matrix.os).toEqual([
    'ubuntu-24.04',
    'ubuntu-24.04-arm',
    'macos-15',
    'macos-15-intel',
    'windows-2025',
  ]);
  expect(job.steps.map(({ run }) => run)).toContain('npm run bench -- --quick');
});
