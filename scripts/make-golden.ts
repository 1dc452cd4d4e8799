/**
 * `npm run golden`: trains every golden run with the Python reference, and writes what it computed into reference/golden/.
 *
 * Names of presets limit it to those. `--python pypy3` computes with PyPy, which is several times faster. CPython must first agree
 * over the first steps, to the last bit.
 */
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { Argument, Command } from 'commander';
import { execa } from 'execa';
import writeFileAtomic from 'write-file-atomic';
import { z } from 'zod';
import { runScript } from '../harness/cli/run-program.ts';
import { displayPath, projectRoot } from '../harness/project.ts';
import { namedDatasets, readDataset } from '../harness/task/dataset.ts';
import { type ParameterMatrix, parameterLayout } from '../harness/task/parameter-layout.ts';
import { goldenRuns, presets, taskDefaults } from '../harness/task/presets.ts';
import { UsageError } from '../harness/usage-error.ts';
import { sha256 } from '../harness/verify/cached-json.ts';
import { type GoldenFile, goldenFolder } from '../harness/verify/golden.ts';

type GoldenRun = (typeof goldenRuns)[number];

const CPYTHON = 'python3';
const STEPS_REPEATED_BY_CPYTHON = 2;
const SAMPLES = 20;
/** Of a larger matrix, a golden file holds only every stride-th entry: all gradients of all runs would add 4 MB to the repository. */
const MAX_VALUES_PER_MATRIX = 4096;

/** What `reference/microgpt.py --json` prints. */
const traceSchema = z.object({
  python: z.string(),
  characters: z.array(z.string()),
  losses: z.array(z.number()),
  gradients: z.array(z.number()).nullable(),
  samples: z.array(z.string()),
});
type Trace = z.infer<typeof traceSchema>;

async function demandPython(python: string): Promise<void> {
  const { failed } = await execa(python, ['--version'], { reject: false });
  if (failed) throw new UsageError(`Cannot run ${python}: install it, or name another Python with --python`);
}

async function runReference(python: string, run: GoldenRun, steps: number): Promise<Trace> {
  const { nEmbd, nHead, nLayer, blockSize, batch } = presets[run.preset];
  const { seed, numSteps, learningRate } = taskDefaults;
  const flags = {
    '--n-embd': nEmbd,
    '--n-head': nHead,
    '--n-layer': nLayer,
    '--block-size': blockSize,
    '--batch': batch,
    '--seed': seed,
    '--num-steps': numSteps,
    '--learning-rate': learningRate,
    '--steps': steps,
    '--gradients': 1,
    '--samples': steps === numSteps ? SAMPLES : 0,
  };
  const words = Object.entries(flags).flatMap(([flag, value]) => [flag, String(value)]);
  const program = join(projectRoot, 'reference', 'microgpt.py');
  const { stdout } = await execa(python, [program, namedDatasets[run.dataset].path, ...words, '--json']);
  return traceSchema.parse(JSON.parse(stdout));
}

/** Throws if the two interpreters do not agree to the last bit. */
function demandSamePrefix(trace: Trace, prefix: Trace): void {
  const steps = prefix.losses.length;
  const same =
    isDeepStrictEqual(trace.losses.slice(0, steps), prefix.losses) &&
    isDeepStrictEqual(trace.gradients, prefix.gradients);
  if (!same) throw new Error(`${trace.python} and ${prefix.python} disagree within ${steps} steps`);
}

function goldenFile(run: GoldenRun, trace: Trace): GoldenFile {
  const vocabSize = trace.characters.length + 1;
  const { batch, ...sizes } = presets[run.preset];
  const { seed, numSteps, learningRate } = taskDefaults;
  const gradients = trace.gradients ?? [];
  return {
    schemaVersion: 1,
    dataset: { name: run.dataset, sha256: namedDatasets[run.dataset].sha256 },
    ...sizes,
    vocabSize,
    batch,
    seed,
    numSteps,
    learningRate,
    python: trace.python,
    losses: trace.losses,
    gradients: parameterLayout({ ...sizes, vocabSize }).map((matrix) => goldenTensor(matrix, gradients)),
    samples: trace.samples,
  };
}

function goldenTensor(
  { name, rows, columns, offset }: ParameterMatrix,
  gradients: readonly number[],
): GoldenFile['gradients'][number] {
  const entries = gradients.slice(offset, offset + rows * columns);
  const stride = strideOf(entries.length, columns);
  const values = Float64Array.from(entries.filter((_, i) => i % stride === 0));
  return {
    name,
    rows,
    columns,
    sum: entries.reduce((sum, g) => sum + g, 0),
    norm: Math.sqrt(entries.reduce((sum, g) => sum + g * g, 0)),
    stride,
    values: float64Base64(values),
  };
}

/** The least stride that keeps few enough entries and meets every column: it shares no factor with the number of columns. */
function strideOf(entries: number, columns: number): number {
  let stride = Math.ceil(entries / MAX_VALUES_PER_MATRIX);
  while (greatestCommonDivisor(stride, columns) > 1) stride++;
  return stride;
}

function greatestCommonDivisor(a: number, b: number): number {
  return b === 0 ? a : greatestCommonDivisor(b, a % b);
}

function float64Base64(values: Float64Array): string {
  const bytes = Buffer.alloc(8 * values.length);
  for (const [i, value] of values.entries()) bytes.writeDoubleLE(value, 8 * i);
  return bytes.toString('base64');
}

async function makeGolden(python: string, run: GoldenRun): Promise<void> {
  console.log(`${run.preset} on ${run.dataset}: ${run.steps} steps by ${python}`);
  const prefix = python === CPYTHON ? undefined : await runReference(CPYTHON, run, STEPS_REPEATED_BY_CPYTHON);
  const trace = await runReference(python, run, run.steps);
  if (prefix !== undefined) demandSamePrefix(trace, prefix);
  const path = join(goldenFolder, `${run.dataset}-${run.preset}.json`);
  const content = goldenFile(run, trace);
  await writeFileAtomic(path, `${JSON.stringify({ sha256: sha256(content), ...content }, undefined, 1)}\n`);
  console.log(`  ${displayPath(path)}`);
}

async function golden(names: readonly string[], { python }: { readonly python: string }): Promise<void> {
  const runs = goldenRuns.filter(({ preset }) => names.includes(preset));
  // The runs take long, so a missing data set must show before the first.
  for (const { dataset } of runs) await readDataset(dataset);
  for (const program of [CPYTHON, python]) await demandPython(program);
  for (const run of runs) await makeGolden(python, run);
}

process.exitCode = await runScript(
  new Command('golden')
    .usage('[options] [preset...]')
    .description(
      'have the Python reference train every golden run, and keep what it computed in reference/golden; takes hours with CPython',
    )
    .addArgument(
      new Argument('[preset...]', 'which ones').choices(Object.keys(presets)).default(Object.keys(presets), 'all'),
    )
    .option(
      '--python <program>',
      'compute with this Python, such as pypy3; python3 repeats the first steps and must agree to the last bit',
      CPYTHON,
    )
    .action(golden),
);
