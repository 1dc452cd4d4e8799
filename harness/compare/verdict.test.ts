import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Interval } from '../results/schema.ts';
import { controlFires, type Evidence, judge, needsConfirmation, position } from './verdict.ts';

const THRESHOLD = 0.05;
const interval = (low: number, high: number): Interval => ({ low, median: Math.sqrt(low * high), high });
const quiet = interval(0.99, 1.01);
const evidence = (ratio: Interval, control = quiet): Evidence => ({ ratio, control, rounds: 10 });

const slower = evidence(interval(1.08, 1.12));
const straddling = evidence(interval(1.03, 1.12));
const drifting = interval(1.03, 1.05);

const anyInterval = fc
  .tuple(fc.double({ min: 0.2, max: 5, noNaN: true }), fc.double({ min: 1, max: 2, noNaN: true }))
  .map(([low, width]) => interval(low, low * width));
const anyEvidence = fc.tuple(anyInterval, anyInterval).map(([ratio, control]) => evidence(ratio, control));
const anyThreshold = fc.double({ min: 0.001, max: 1, noNaN: true });

test('a slowdown that two sets of rounds show is a regression', () => {
  expect(judge(slower, slower, THRESHOLD).verdict).toBe('regression');
});

test('a slowdown that the longer rounds do not show is inconclusive, and the reason says so', () => {
  expect(judge(slower, straddling, THRESHOLD)).toEqual({
    verdict: 'inconclusive',
    reason: 'looked slower, but 10 longer rounds did not confirm it',
  });
});

test('one set of rounds is never a regression', () => {
  fc.assert(
    fc.property(anyEvidence, anyThreshold, (first, threshold) => {
      expect(judge(first, undefined, threshold).verdict).not.toBe('regression');
    }),
  );
});

test('a regression always has both intervals beyond the threshold and no control firing', () => {
  fc.assert(
    fc.property(anyEvidence, anyEvidence, anyThreshold, (first, confirmation, threshold) => {
      if (judge(first, confirmation, threshold).verdict !== 'regression') return;
      for (const { ratio } of [first, confirmation]) expect(ratio.low).toBeGreaterThan(1 + threshold);
      for (const each of [first, confirmation]) expect(controlFires(each, threshold)).toBe(false);
    }),
  );
});

test('a control that fires in either set of rounds makes the verdict inconclusive', () => {
  const noisy = evidence(interval(1.08, 1.12), drifting);
  expect(judge(noisy, slower, THRESHOLD).verdict).toBe('inconclusive');
  expect(judge(slower, noisy, THRESHOLD).verdict).toBe('inconclusive');
  expect(judge(noisy, slower, THRESHOLD).reason).toContain('base differs from itself by +4.0%');
});

test('the control fires in both directions, but not for an interval that reaches 1 or a median within half the threshold', () => {
  const fires = (control: Interval) => controlFires(evidence(quiet, control), THRESHOLD);
  expect(fires(drifting)).toBe(true);
  expect(fires(interval(1 / 1.05, 1 / 1.03))).toBe(true);
  expect(fires(interval(0.999, 1.08))).toBe(false);
  expect(fires(interval(1.005, 1.02))).toBe(false);
});

test('a control that fired asks for no confirmation, since nothing could come of it', () => {
  expect(needsConfirmation(slower, THRESHOLD)).toBe(true);
  expect(needsConfirmation(evidence(interval(1.08, 1.12), drifting), THRESHOLD)).toBe(false);
  expect(needsConfirmation(straddling, THRESHOLD)).toBe(false);
});

test('an interval within the band is no change, one beyond it on the fast side an improvement', () => {
  expect(judge(evidence(interval(0.97, 1.02)), undefined, THRESHOLD).verdict).toBe('no change');
  expect(judge(evidence(interval(0.8, 0.9)), undefined, THRESHOLD).verdict).toBe('improvement');
  expect(judge(straddling, undefined, THRESHOLD).verdict).toBe('inconclusive');
});

test('swapping base and head mirrors the position', () => {
  const mirrored = { slower: 'faster', faster: 'slower', same: 'same', straddling: 'straddling' };
  // One part in 10⁹ around the band's edges is left out: there the mirrored interval rounds to either side.
  const clear = (ratio: Interval, threshold: number) =>
    [ratio.low, ratio.high].every((bound) => Math.abs(Math.abs(Math.log(bound)) - Math.log(1 + threshold)) > 1e-9);
  fc.assert(
    fc.property(anyInterval, anyThreshold, (ratio, threshold) => {
      fc.pre(clear(ratio, threshold));
      expect(position(interval(1 / ratio.high, 1 / ratio.low), threshold)).toBe(mirrored[position(ratio, threshold)]);
    }),
  );
});
