import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { Implementation } from '../program/discover.ts';
import { prepareTask } from '../task/prepare-task.ts';
import { presets } from '../task/presets.ts';
import { tryProtocol } from './conformance.ts';
import { makeHugeTask } from './huge-task.ts';

const task = await prepareTask({
  ...presets.d16,
  dataset: 'us-names-2016',
  seed: 42,
  numSteps: 1000,
  learningRate: 0.01,
});
const tasks = { task, hugeTask: makeHugeTask() };

/** The trials that a program with this fault does not pass, and what was said of each. */
async function violations(fault: string, only?: string): Promise<Record<string, string>> {
  const implementation: Implementation = {
    name: 'faulty',
    folder: join(import.meta.dirname, '../testing'),
    manifest: {
      protocol: 2,
      language: 'TypeScript',
      technique: 'none',
      precision: 'float64',
      threads: 1,
      order: 0,
      needs: [],
      run: { command: [process.execPath, join(import.meta.dirname, '../testing/faulty-program.ts'), fault] },
    },
  };
  const found: Record<string, string> = {};
  for await (const { trial, problem } of tryProtocol(implementation, tasks, {
    patienceMilliseconds: 3_000,
    trial: only,
  })) {
    if (problem !== undefined) found[trial] = problem;
  }
  return found;
}

test('a program that keeps every rule passes every trial', { timeout: 60_000 }, async () => {
  expect(await violations('none')).toEqual({});
});

test.concurrent.for([
  ['noise before ready', 'says that it is ready', /"Loading…", which is not JSON/],
  ['one loss too few', 'answers `train 2` with two losses and a time', /with 1 losses/],
  ['resets nothing', 'gives the same losses after `reset`', /the loss of step 1 after `reset`/],
  ['exits on a wrong argument', 'answers `train many` with an error and goes on', /ended with exit code 1/],
  ['silent on an unknown word', 'answers an unknown word with an error and goes on', /printed no line within 3 s/],
  [
    'throws where it cannot write',
    'answers `parameters` into a missing folder with an error and goes on',
    /ended with exit code 1/,
  ],
  ['parameters as float32', 'writes its start parameters, and as many after a step', /wrote 16768 bytes, where 33536/],
  [
    'starts where it always did',
    'starts with the document that `reset 1` names, and counts documents modulo their number',
    /the first loss after `reset 1` is 1, as after `reset 0`/,
  ],
  [
    'splits at every space',
    'writes into a path that holds a space: an argument is the rest of the line',
    /`parameters`: wrote no file/,
  ],
  ['trains on gradients', 'trains the same whether or not `gradients` was asked', /the loss of step 2/],
  ['runs out of memory on a huge task', 'trains on a huge task, or says that it cannot', /ended with exit code 137/],
  ['fails on quit', 'ends on `quit`, with work behind it and none before it', /exit code 3/],
  ['outlives its input', 'ends when its input ends', /did not end within 3 s/],
] as const)('%s: found in the trial "%s"', { timeout: 60_000 }, async ([fault, trial, problem]) => {
  expect((await violations(fault, trial))[trial]).toMatch(problem);
});
