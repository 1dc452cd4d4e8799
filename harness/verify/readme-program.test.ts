import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { tryProtocol } from '../conformance/conformance.ts';
import { makeHugeTask } from '../conformance/huge-task.ts';
import { availability } from '../program/availability.ts';
import type { Implementation } from '../program/discover.ts';
import { manifestSchema } from '../program/manifest.ts';
import { implementationsRoot, projectRoot } from '../project.ts';
import { prepareTask } from '../task/prepare-task.ts';
import { presets } from '../task/presets.ts';
import { expectationOf } from './expectation.ts';
import { verifyImplementation } from './verify-implementation.ts';

const templates = join(projectRoot, 'harness', 'scaffold', 'templates');
const readme = await readFile(join(implementationsRoot, 'README.md'), 'utf8');
const [program = ''] = readme.match(/(?<=```python\n).*?(?=```)/s) ?? [];
const manifest = manifestSchema.parse(JSON.parse(await readFile(join(templates, 'python', 'impl.json'), 'utf8')));

let implementation: Implementation;
beforeAll(async () => {
  const folder = join(await mkdtemp(join(tmpdir(), 'microgpt-bench-')), 'from-the-readme');
  await mkdir(folder);
  await writeFile(join(folder, 'trainer.py'), program);
  implementation = { name: 'from-the-readme', folder, manifest };
});
afterAll(() => rm(join(implementation.folder, '..'), { recursive: true, force: true }));

const present = await availability({ name: 'python', folder: templates, manifest });
const skipped = present.available ? '' : ` (skipped: ${present.reason})`;
const task = await prepareTask({
  ...presets.d16,
  dataset: 'us-names-2016',
  seed: 42,
  numSteps: 1000,
  learningRate: 0.01,
});

test('the program in the README has at most 70 lines', () => {
  expect(program.trimEnd().split('\n').length).toBeLessThanOrEqual(70);
  expect(program).toContain('json.dumps({"ready": 2');
});

test('it is the starting point for Python', async () => {
  expect(await readFile(join(templates, 'python', 'trainer.py'), 'utf8')).toBe(program);
});

test.skipIf(!present.available)(`it keeps to the protocol${skipped}`, { timeout: 120_000 }, async () => {
  const findings = await Array.fromAsync(tryProtocol(implementation, { task, hugeTask: makeHugeTask() }));
  expect(findings.filter((finding) => finding.problem !== undefined)).toEqual([]);
});

test.skipIf(!present.available)(`it learns what the reference learns${skipped}`, { timeout: 120_000 }, async () => {
  const expectation = await expectationOf(task, []);
  const verification = await verifyImplementation(implementation, expectation, { steps: 20 });
  expect(verification).toMatchObject({ status: 'verified', stepsVerified: 20 });
});
