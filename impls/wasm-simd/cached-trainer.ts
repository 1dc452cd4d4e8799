import type { Trainer, TrainingTask } from '../contract.ts';
import { loadKernel } from './kernel-cache.ts';
import type { Precision } from './kernels/vector.ts';
import { kernelRequest, WasmTrainer } from './trainer.ts';

/** A trainer whose kernel is read from the cache on disk, or built now and written there. */
export async function createCachedTrainer(task: TrainingTask, precision: Precision): Promise<Trainer> {
  const request = kernelRequest(task, precision);
  const { module, buildNanoseconds } = await loadKernel(request);
  return new WasmTrainer(task, request, module, buildNanoseconds);
}
