import { expect, it } from 'vitest';
import { benchResult, refusedRow, verifiedRow } from '../testing/example-result.ts';
import { joinedRuns, resumeFault } from './resumed.ts';
import { type BenchResult, benchResultSchema } from './schema.ts';

const tenfold = expect.closeTo(10, 6);

const run = (slow: readonly number[], fast: readonly number[], change: Partial<BenchResult> = {}) =>
  benchResult({
    laps: { seed: 1, repeated: false, firstDocuments: slow.map((_, i) => [i]) },
    baselines: [{ row: 'slow' }],
    rows: [
      verifiedRow({ implementation: 'slow', roundsMicrosecondsPerSample: [...slow], samplesMeasured: 10 }),
      verifiedRow({ implementation: 'fast', roundsMicrosecondsPerSample: [...fast], samplesMeasured: 10 }),
    ],
    ...change,
  });

it('joins the rounds of both runs, and takes ratios inside each round', () => {
  const joined = joinedRuns(
    run([100, 200], [10, 20]),
    run([400, 300, 500], [40, 30, 50], { createdAt: '2027-01-02T03:04:05.000Z' }),
  );
  const [slow, fast] = joined.rows;
  expect(fast).toMatchObject({
    roundsMicrosecondsPerSample: [10, 20, 40, 30, 50],
    microsecondsPerSample: { median: 30 },
    speedup: { slow: { median: tenfold, low: tenfold, high: tenfold } },
    samplesMeasured: 20,
  });
  expect(slow).toMatchObject({ microsecondsPerSample: { median: 300 } });
  expect(joined.laps.firstDocuments).toHaveLength(5);
  expect(joined.createdAt).toBe(run([1], [1]).createdAt);
  benchResultSchema.parse(joined);
});

it('pairs no round with another: a row that sat some out is compared over the first three', () => {
  const joined = joinedRuns(run([10, 10, 10, 99], [1, 1, 1]), run([10], [1]));
  expect(joined.rows[1]).toMatchObject({ speedup: { slow: { low: tenfold, high: tenfold } } });
});

it('refuses a row that the later run refused, and keeps one that it has not come to', () => {
  const later = run([1], [1], { rows: [refusedRow({ implementation: 'fast' })] });
  const joined = joinedRuns(run([5], [1]), later);
  expect(joined.rows.map(({ implementation, status }) => [implementation, status])).toEqual([
    ['slow', 'verified'],
    ['fast', 'mismatch'],
  ]);
});

it('keeps a row wrong that was wrong in either run', () => {
  const wrong = run([1], [1], { rows: [refusedRow({ implementation: 'fast' })] });
  for (const joined of [joinedRuns(wrong, run([5], [1])), joinedRuns(run([5], [1]), wrong)]) {
    expect(joined.rows.find(({ implementation }) => implementation === 'fast')?.status).toBe('mismatch');
  }
});

it('says what has changed since', () => {
  const earlier = run([5], [1]);
  const sources = new Map([
    ['slow', 'a'.repeat(64)],
    ['fast', 'a'.repeat(64)],
  ]);
  const now = { ...earlier, sources };
  expect(resumeFault(earlier, now)).toBeUndefined();
  expect(resumeFault(earlier, { ...now, commit: 'beef' })).toMatch(/other code/);
  expect(resumeFault(earlier, { ...now, machine: { ...now.machine, fingerprint: 'other' } })).toBe('other machine');
  expect(resumeFault(earlier, { ...now, runtime: { ...now.runtime, version: '99' } })).toMatch(/other runtime/);
  expect(resumeFault(earlier, { ...now, task: { ...now.task, numSteps: 3 } })).toMatch(/numSteps/);
  expect(resumeFault(earlier, { ...now, sources: new Map([...sources, ['fast', 'b']]) })).toMatch(/sources of fast/);
  expect(resumeFault(earlier, { ...now, sources: new Map() })).toMatch(/slow is missing/);
});
