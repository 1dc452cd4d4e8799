import { join } from 'node:path';
import type { InlineConfig, Plugin } from 'vite';
import { isPresetName, type PresetName, presets } from '../harness/task/presets.ts';
import type { ModelConfig, TrainingTask } from '../impls/contract.ts';
import { assemble } from '../impls/wasm-simd/kernels/assemble.ts';
import { kernelText } from '../impls/wasm-simd/kernels/model.ts';
import type { KernelRequest } from '../impls/wasm-simd/kernels/request.ts';
import { kernelRequest } from '../impls/wasm-simd/trainer.ts';
import { kernelFile } from './kernel-file.ts';

/** The embedded names have 26 letters; BOS makes 27. */
const VOCAB_SIZE = 27;
const nodeOnly = join(import.meta.dirname, '../impls/wasm-simd/kernel-cache.ts');

/** Every kernel that the page may need, by the name of its file: all presets, both precisions, with and without relaxed SIMD. */
function kernelRequests(presetNames: readonly PresetName[]): ReadonlyMap<string, KernelRequest> {
  const requests = presetNames.flatMap((name) =>
    (['float32', 'float64'] as const).flatMap((precision) => {
      const { batch, ...sizes } = presets[name];
      const request = kernelRequest(taskOfSizes({ ...sizes, vocabSize: VOCAB_SIZE }, batch), precision);
      return [true, false].map((fused) => ({ ...request, fused }));
    }),
  );
  return new Map(requests.map((request) => [kernelFile(request), request]));
}

/** A task with these sizes and nothing else: a kernel depends only on sizes. */
function taskOfSizes(model: ModelConfig, batch: number): TrainingTask {
  const [tokens, offsets, parameters] = [new Int32Array(), new Int32Array(), new Float64Array()];
  return { model, batch, tokens, offsets, parameters, numSteps: 1, learningRate: 1 };
}

/** Replaces the only file of the implementations that needs Node: the one that loads kernels. */
function kernelSource(): Plugin {
  return {
    name: 'kernel-source',
    enforce: 'pre',
    async resolveId(source, importer) {
      if (!source.endsWith('/kernel-cache.ts') || importer === undefined) return null;
      const resolved = await this.resolve(source, importer, { skipSelf: true });
      return resolved?.id === nodeOnly ? join(import.meta.dirname, 'kernel-source.ts') : resolved;
    },
  };
}

/** Serves the kernels, each assembled at its first request, and builds all of them into a site. */
function kernels(requests: ReadonlyMap<string, KernelRequest>): Plugin {
  const built = (request: KernelRequest) => assemble(kernelText(request));
  return {
    name: 'kernels',
    configureServer(server) {
      server.middlewares.use('/kernels', (request, response) => {
        const kernel = requests.get(`kernels/${(request.url ?? '').replace(/^\/|\?.*$/g, '')}`);
        response.statusCode = kernel === undefined ? 404 : 200;
        response.setHeader('content-type', 'application/wasm');
        response.end(kernel && built(kernel));
      });
    },
    generateBundle() {
      for (const [fileName, request] of requests) this.emitFile({ type: 'asset', fileName, source: built(request) });
    },
  };
}

/**
 * The page as Vite serves and builds it. It works at any address, without server code.
 *
 * @param presetNames the presets that kernels are built for
 */
export function siteConfig(
  outDir: string,
  presetNames: readonly PresetName[] = Object.keys(presets).filter(isPresetName),
): InlineConfig {
  return {
    configFile: false,
    root: import.meta.dirname,
    base: './',
    publicDir: false,
    appType: 'mpa',
    plugins: [kernelSource(), kernels(kernelRequests(presetNames))],
    worker: { format: 'es', plugins: () => [kernelSource()] },
    server: { fs: { allow: [join(import.meta.dirname, '..')] } },
    build: { outDir, emptyOutDir: true, target: 'esnext', assetsInlineLimit: 0, modulePreload: { polyfill: false } },
  };
}
