import fc from 'fast-check';
import { expect, test } from 'vitest';
import { parsePerfStat } from './counters.ts';
import { profileOf, type StackSamples } from './profile.ts';
import { stacksOf } from './sample-module.ts';
import { cpuProfileOf, parsePerfReport } from './sample-program.ts';

const list = {
  operations: { attention: ['attention.ts:*'], products: ['linear*'], loss: ['model.ts:crossEntropy'] },
  outside: ['*printf*'],
  buildWords: [],
};
const at = (file: string, name: string) => ({ file, name });
const shares = (stacks: readonly StackSamples[]) =>
  Object.fromEntries(profileOf(stacks, list, 100).operations.map(({ operation, share }) => [operation, share]));

test('a function counts for its operation; one that several use counts for the operation that called it', () => {
  const softmax = at('softmax.ts', 'softmax');
  expect(
    shares([
      { stack: [softmax, at('attention.ts', 'forward')], samples: 2 },
      { stack: [softmax, at('model.ts', 'crossEntropy')], samples: 1 },
      { stack: [at('', 'linear.16x64')], samples: 4 },
      { stack: [at('model.ts', 'train')], samples: 1 },
    ]),
  ).toEqual({ attention: 2 / 8, products: 4 / 8, loss: 1 / 8, 'everything else': 1 / 8 });
});

test('a pattern without a file leaves functions of files alone', () => {
  expect(shares([{ stack: [at('other.ts', 'linear')], samples: 1 }])).toMatchObject({ 'everything else': 1 });
});

test('what is outside the step counts for nothing', () => {
  const { samples, explained } = profileOf(
    [
      { stack: [at('', 'vfprintf_internal')], samples: 5 },
      { stack: [at('', 'linear')], samples: 5 },
    ],
    list,
    100,
  );
  expect({ samples, explained }).toEqual({ samples: 5, explained: 1 });
});

test('for any samples, shares add up to 1, times to the step, and explained is what everything else leaves', () => {
  const functions = fc.record({
    file: fc.constantFrom('', 'attention.ts', 'model.ts'),
    name: fc.constantFrom('linear', 'crossEntropy', 'x'),
  });
  const stacks = fc.array(
    fc.record({ stack: fc.array(functions, { maxLength: 4 }), samples: fc.integer({ min: 1, max: 1000 }) }),
    { minLength: 1 },
  );
  fc.assert(
    fc.property(stacks, (stacks) => {
      const { operations, explained, samples } = profileOf(stacks, list, 40);
      const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0);
      expect(samples).toBe(sum(stacks.map((stack) => stack.samples)));
      expect(sum(operations.map(({ share }) => share))).toBeCloseTo(1, 10);
      expect(sum(operations.map(({ microsecondsPerStep }) => microsecondsPerStep))).toBeCloseTo(40, 8);
      expect(explained).toBeCloseTo(1 - (operations.at(-1)?.share ?? 0), 10);
      for (const { share, functions } of operations)
        expect(sum(functions.map((one) => one.share))).toBeCloseTo(share, 10);
    }),
  );
});

test('samples written as a flame graph are read again as they were', () => {
  const stacks = [
    { stack: [at('', 'attend')], samples: 3 },
    { stack: [at('', 'linear')], samples: 5 },
  ];
  const profile = cpuProfileOf(stacks, 250);
  expect(stacksOf(profile).map(({ stack, samples }) => ({ name: stack[0]?.name, samples }))).toEqual([
    { name: 'attend', samples: 3 },
    { name: 'linear', samples: 5 },
  ]);
  expect(profile.endTime).toBe(8 * 250);
});

test('time in which nothing ran, or the profiler itself, is left out of the samples of V8', () => {
  const profile = cpuProfileOf(
    [
      { stack: [at('', '(idle)')], samples: 9 },
      { stack: [at('', 'post')], samples: 9 },
      { stack: [at('', 'f')], samples: 1 },
    ],
    1,
  );
  const nodes = profile.nodes.map((node) =>
    node.callFrame.functionName === 'post'
      ? { ...node, callFrame: { ...node.callFrame, url: 'node:inspector' } }
      : node,
  );
  expect(stacksOf({ ...profile, nodes }).map(({ stack }) => stack[0]?.name)).toEqual(['f']);
});

test("functions and their samples are read from perf's report, and nothing from its complaints", () => {
  const report = ' 1530       |[.] panel_backward_7\n   2        |[k] irq entry\nError: no permission\n';
  expect(parsePerfReport(report)).toEqual([
    { stack: [{ file: '', name: 'panel_backward_7' }], samples: 1530 },
    { stack: [{ file: '', name: 'irq entry' }], samples: 2 },
  ]);
  expect(parsePerfReport('')).toEqual([]);
});

test('counters are read where perf has all of them, and are none where it has not', () => {
  const counted = '12,,instructions:u,1,100.00,,\n34,,cycles:u,1,100.00,,\n5,,cache-misses:u,1,100.00,,\n';
  expect(parsePerfStat(counted)).toEqual({ instructions: 12, cycles: 34, cacheMisses: 5 });
  expect(parsePerfStat(counted.replace('34', '<not supported>'))).toBeUndefined();
  expect(parsePerfStat('')).toBeUndefined();
});
