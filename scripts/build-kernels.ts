/**
 * `npm run kernels`: builds the WebAssembly kernels of every preset, so that no training starts with a build.
 * Names of presets limit it to those.
 */
import { parseArgs } from 'node:util';
import { prepareTask } from '../harness/task/prepare-task.ts';
import { isPresetName, type PresetName, presets, taskDefaults } from '../harness/task/presets.ts';
import { UsageError } from '../harness/usage-error.ts';
import type { CreateTrainer } from '../impls/contract.ts';
import float32 from '../impls/wasm-simd/wasm-simd.ts';
import float64 from '../impls/wasm-simd-f64/wasm-simd-f64.ts';
import threads from '../impls/wasm-threads/wasm-threads.ts';

const implementations: Readonly<Record<string, CreateTrainer>> = {
  'wasm-simd': float32,
  'wasm-simd-f64': float64,
  'wasm-threads': threads,
};

const HELP =
  'Builds the WebAssembly kernels of every preset ahead, so that no training starts with a build; of some presets where they are named.';

/** Builds one task's kernels and returns the result in a few words. */
async function build(createTrainer: CreateTrainer, preset: PresetName): Promise<string> {
  const { training } = await prepareTask({ ...taskDefaults, ...presets[preset], preset });
  try {
    const trainer = await createTrainer(training);
    trainer.close?.();
    if (trainer.buildNanoseconds === undefined) return 'in the cache';
    return `built in ${(trainer.buildNanoseconds / 1e9).toFixed(2)} s`;
  } catch (error) {
    if (error instanceof Error && error.name === 'UnsupportedTask') return `unsupported: ${error.message}`;
    throw error;
  }
}

function chosenPresets(names: readonly string[]): readonly PresetName[] {
  const all = Object.keys(presets).filter(isPresetName);
  if (names.length === 0) return all;
  return names.map((name) => {
    if (isPresetName(name)) return name;
    throw new UsageError(`Unknown preset ${name}: expected any of ${all.join(', ')}`);
  });
}

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { help: { type: 'boolean', short: 'h' } },
  });
  if (values.help) {
    console.log(`Usage: npm run kernels -- [preset...]\n\n${HELP}\n\nPresets: ${Object.keys(presets).join(', ')}`);
    return;
  }
  for (const preset of chosenPresets(positionals))
    for (const [name, createTrainer] of Object.entries(implementations))
      console.log(`${preset.padEnd(8)} ${name.padEnd(14)} ${await build(createTrainer, preset)}`);
}

try {
  await main();
} catch (error) {
  const isUsage =
    error instanceof UsageError ||
    (error instanceof Error && 'code' in error && String(error.code).startsWith('ERR_PARSE_ARGS'));
  if (!(isUsage && error instanceof Error)) throw error;
  console.error(error.message);
  process.exitCode = 2;
}
