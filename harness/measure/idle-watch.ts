import type { TrainerProcess } from '../program/trainer-process.ts';

/** Compilers and garbage collectors end what they have begun. */
const FREE_MILLISECONDS = 500;
const FREE_SHARE = 0.02;

/**
 * Watches a process that is asked nothing. It has all documents, so it could train every lap before it is asked to, and answer from
 * memory.
 * @returns what it did wrong until now, in one line; undefined if nothing, or if the platform does not tell
 */
export function watchIdle(
  trainer: Pick<TrainerProcess, 'processorMilliseconds'>,
  now: () => number = performance.now.bind(performance),
): () => string | undefined {
  const began = now();
  const before = trainer.processorMilliseconds();
  return () => {
    const after = trainer.processorMilliseconds();
    if (before === undefined || after === undefined) return undefined;
    const [waited, worked] = [now() - began, after - before];
    if (worked <= FREE_MILLISECONDS + FREE_SHARE * waited) return undefined;
    const seconds = (milliseconds: number) => `${(milliseconds / 1000).toFixed(1)} s`;
    return `it worked for ${seconds(worked)} in ${seconds(waited)} in which it was asked nothing: laps can be trained before they are timed`;
  };
}
