import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { quantile } from 'simple-statistics';
import type { CreateRepeatingTrainer, Trainer } from '../../impls/contract.ts';
import type { Implementation } from '../program/discover.ts';
import type { PreparedTask } from '../task/task.ts';
import type { SamplingOptions } from './profile.ts';
import { operationFinder, type ProfileList } from './profile-list.ts';

/** Long enough for the clock, short enough that both sides of a comparison meet the same machine. */
const LAP_STEPS = 50;

/**
 * What each operation adds to a step if its functions run twice, in microseconds. Laps take turns with the plain step. The
 * lower quartiles are compared, since other work only adds to a lap. Empty if the folder has no `profile.ts`.
 */
export async function timesWhenRepeated(
  implementation: Implementation,
  list: ProfileList,
  { training }: PreparedTask,
  { seconds, signal }: SamplingOptions,
): Promise<ReadonlyMap<string, number>> {
  const file = join(implementation.folder, 'profile.ts');
  if (!existsSync(file)) return new Map();
  const loaded: { readonly default: CreateRepeatingTrainer } = await import(pathToFileURL(file).href);
  const operationOf = operationFinder(list);
  const plain = await loaded.default(training, () => false);
  const repeating: { readonly operation: string; readonly trainer: Trainer; readonly times: number[] }[] = [];
  for (const operation of Object.keys(list.operations)) {
    const trainer = await loaded.default(training, (name) => operationOf({ file: '', name }) === operation);
    repeating.push({ operation, trainer, times: [] });
  }
  const steps = Math.min(LAP_STEPS, training.numSteps);
  const lap = (trainer: Trainer, firstDocument: number): number => {
    // Untimed first: another trainer has just pushed this one's memory out of the caches.
    trainer.reset(firstDocument);
    trainer.train(steps);
    trainer.reset(firstDocument);
    const began = performance.now();
    trainer.train(steps);
    return (1000 * (performance.now() - began)) / steps;
  };
  const plainTimes: number[] = [];
  const began = performance.now();
  for (let round = 0; round === 0 || performance.now() - began < 1000 * seconds; round++) {
    await new Promise((done) => setImmediate(done));
    signal.throwIfAborted();
    plainTimes.push(lap(plain, round * steps));
    for (const { trainer, times } of repeating) times.push(lap(trainer, round * steps));
  }
  for (const { trainer } of repeating) trainer.close?.();
  plain.close?.();
  const quartile = (times: readonly number[]) => quantile([...times], 0.25);
  return new Map(repeating.map(({ operation, times }) => [operation, quartile(times) - quartile(plainTimes)]));
}
