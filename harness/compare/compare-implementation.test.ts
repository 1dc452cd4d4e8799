import { expect, test } from 'vitest';
import { FakeClock, type FakeTrainerOptions, fakeContender } from '../testing/fake-trainer.ts';
import { hundredDocuments } from '../testing/hundred-documents.ts';
import { compareImplementation } from './compare-implementation.ts';

const clock = new FakeClock();
const task = { ...hundredDocuments(), batch: 2 };
function contender(nanoseconds: number, more: Partial<FakeTrainerOptions> = {}) {
  return fakeContender({ name: 'fake', clock, nanosecondsPerStep: () => nanoseconds, ...more });
}
function compare(base: ReturnType<typeof contender>, head: ReturnType<typeof contender>, signal?: AbortSignal) {
  return compareImplementation({
    implementation: 'fake',
    base,
    head,
    task,
    limits: { threshold: 0.05, budgetNanoseconds: 50e9 },
    seed: 1,
    signal: signal ?? new AbortController().signal,
    nowNanoseconds: () => clock.milliseconds * 1e6,
  });
}

test('a slower head is a regression, with times per document', async () => {
  expect(await compare(contender(1e5), contender(1.2e5))).toMatchObject({
    implementation: 'fake',
    status: 'compared',
    verdict: 'regression',
    rounds: 8,
    ratio: { median: 1.2 },
    confirmation: { rounds: 16 },
    microsecondsPerSample: { base: 50, head: 60 },
  });
});

test('an equal head is no change, and nothing is confirmed', async () => {
  const row = await compare(contender(1e5), contender(1e5));
  expect(row).toMatchObject({ status: 'compared', verdict: 'no change' });
  expect(row).not.toHaveProperty('confirmation');
});

test.each(['base', 'head'] as const)('a wrong %s is verified before anything is timed', async (side) => {
  const wrong = contender(1e5, { failure: { start: 0, kind: 'wrong' } });
  const right = contender(1e5);
  const row = await compare(side === 'base' ? wrong : right, side === 'head' ? wrong : right);
  const reason = expect.stringMatching(side === 'base' ? /^base is wrong: step 2: / : /^step 2: /);
  expect(row).toMatchObject({ status: side === 'base' ? 'repaired' : 'wrong', side: 'head', reason });
  expect(wrong.starts()).toBe(1);
  expect(right.starts()).toBeLessThanOrEqual(1);
});

test('a head that breaks in a late round is broken, whatever was measured before', async () => {
  const head = contender(1e5, { failure: { start: 5, kind: 'crash' } });
  expect(await compare(contender(1e5), head)).toMatchObject({ status: 'broken', side: 'head' });
});

test('an interruption is no row', async () => {
  const controller = new AbortController();
  const head = contender(1e5, { onStart: () => controller.abort(new Error('interrupted')) });
  await expect(compare(contender(1e5), head, controller.signal)).rejects.toThrow();
});
