/**
 * `npm run kernels`: builds the WebAssembly kernels of every preset, so that no training starts with a build.
 * Names of presets limit it to those.
 */
import { Argument, Command } from 'commander';
import { runScript } from '../harness/cli/run-program.ts';
import { prepareTask } from '../harness/task/prepare-task.ts';
import { type PresetName, presets, taskDefaults } from '../harness/task/presets.ts';
import type { CreateTrainer } from '../impls/contract.ts';
import float32 from '../impls/wasm-simd/wasm-simd.ts';
import float64 from '../impls/wasm-simd-f64/wasm-simd-f64.ts';
import threads from '../impls/wasm-threads/wasm-threads.ts';

const implementations: Readonly<Record<string, CreateTrainer>> = {
  'wasm-simd': float32,
  'wasm-simd-f64': float64,
  'wasm-threads': threads,
};

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

async function kernels(names: readonly PresetName[]): Promise<void> {
  for (const preset of names)
    for (const [name, createTrainer] of Object.entries(implementations))
      console.log(`${preset.padEnd(8)} ${name.padEnd(14)} ${await build(createTrainer, preset)}`);
}

process.exitCode = await runScript(
  new Command('kernels')
    .usage('[preset...]')
    .description('build the WebAssembly kernels of every preset, so that no training starts with a build')
    .addArgument(
      new Argument('[preset...]', 'which ones').choices(Object.keys(presets)).default(Object.keys(presets), 'all'),
    )
    .action(kernels),
);
