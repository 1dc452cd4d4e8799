import { availableParallelism } from 'node:os';
import { describe, expect, it } from 'vitest';
import { type ClockedLap, clockFault } from './two-clocks.ts';

/** Laps of 100 timed steps of 50 µs, told as they were. */
function laps(change: Partial<ClockedLap> = {}): readonly ClockedLap[] {
  const wall = { reset: 60_000, first: 110_000, rest: 5_050_000 };
  const lap = { timedSteps: 100, nanoseconds: 5_000_000, wall };
  return Array.from({ length: 5 }, () => ({ ...lap, delayNanoseconds: 0, ...change }));
}
const evidence = (change: Partial<ClockedLap> = {}, pausedNanosecondsPerStep: readonly number[] = []) => [
  { laps: laps(change), emptyWords: [50_000, 55_000], pausedNanosecondsPerStep },
];

describe('the clock of a row', () => {
  it('is believed where it says what passed', () => {
    expect(clockFault(evidence())).toBeUndefined();
  });

  it('is believed on a busy machine, whose delays are known', () => {
    const wall = { reset: 8_000_000, first: 9_000_000, rest: 20_000_000 };
    expect(clockFault(evidence({ wall, delayNanoseconds: 32_000_000 }))).toBeUndefined();
  });

  it('is believed where a loss took most of a microsecond to print, and the words of a lap their time; not where more is missing', () => {
    expect(clockFault(evidence({ nanoseconds: 4_800_000 }))).toBeUndefined();
    expect(clockFault(evidence({ nanoseconds: 4_700_000 }))).toBe('its clock says 47 µs a step, ours 51 µs a step');
    const words = (nanoseconds: number) => [
      { ...evidence({ mainThreadNanoseconds: 5_000_000 + nanoseconds })[0], emptyWords: [400_000, 400_000] },
    ];
    expect(clockFault(words(1_900_000))).toBeUndefined();
    expect(clockFault(words(3_000_000))).toMatch(/^its clock says 50 µs a step/);
  });

  it('is refused where it says less, and both times are told', () => {
    expect(clockFault(evidence({ nanoseconds: 5_000 }))).toBe('its clock says 0.05 µs a step, ours 51 µs a step');
  });

  it('is refused where its main thread worked longer than it says, though most words waited for a busy machine', () => {
    const wall = { reset: 60_000, first: 110_000, rest: 50_000_000 };
    const busy = { wall, nanoseconds: 500_000, delayNanoseconds: 49_000_000, mainThreadNanoseconds: 5_000_000 };
    const words = [50_000, 60_000, 1_500_000, 1_600_000, 2_000_000];
    const waiting = [{ ...evidence(busy)[0], emptyWords: words }];
    expect(clockFault(waiting)).toBe('its clock says 5 µs a step, ours 50 µs a step');
  });

  it('is refused where it says less in the calm laps, whatever delays may have hidden in the others', () => {
    const wall = { reset: 60_000, first: 110_000, rest: 5_050_000 };
    const [busy] = laps({ wall: { ...wall, rest: 50_000_000 }, nanoseconds: 25_000_000, delayNanoseconds: 45_000_000 });
    const [calm] = laps({ nanoseconds: 2_500_000 });
    const judged = (calmLaps: number) =>
      clockFault([{ ...evidence()[0], laps: Array.from({ length: 12 }, (_, i) => (i < calmLaps ? calm : busy)) }]);
    expect(judged(3)).toBe('its clock says 25 µs a step, ours 51 µs a step');
    expect(judged(2)).toBeUndefined();
  });

  it('is refused where it says less than the processor time, however long its words were delayed', () => {
    const change = { nanoseconds: 1_000_000, delayNanoseconds: 60_000_000, mainThreadNanoseconds: 5_200_000 };
    expect(clockFault(evidence(change))).toBe('its clock says 10 µs a step, ours 52 µs a step');
  });

  it('is believed where a disturbed word was long and nothing was computed in it; where something was, work was moved', () => {
    const wall = { reset: 21_000_000, first: 110_000, rest: 5_050_000 };
    const change = { wall, delayNanoseconds: 4_000_000 };
    expect(clockFault(evidence({ ...change, processorNanoseconds: 5_200_000 }))).toBeUndefined();
    expect(clockFault(evidence({ ...change, processorNanoseconds: 22_000_000 }))).toMatch(/work was moved/);
    expect(clockFault(evidence({ ...change, delayNanoseconds: 0, processorNanoseconds: 5_200_000 }))).toMatch(
      /work was moved/,
    );
  });

  it('is refused where half of the laps of a process are at fault', () => {
    const [[right], [wrong]] = [laps(), laps({ wall: { reset: 38_000_000, first: 110_000, rest: 5_050_000 } })];
    const judged = (...of: readonly ClockedLap[]) => clockFault([{ ...evidence()[0], laps: of }]);
    expect(judged(right, right, wrong)).toBeUndefined();
    expect(judged(right, right, right, wrong)).toBeUndefined();
    expect(judged(right, wrong)).toMatch(/work was moved/);
    expect(judged(right, wrong, right, wrong)).toMatch(/work was moved/);
    expect(judged(wrong)).toMatch(/work was moved/);
  });

  it('is refused where half of the laps are at fault, each in another way', () => {
    const [[right], [less], [moved]] = [
      laps(),
      laps({ nanoseconds: 500_000 }),
      laps({ wall: { reset: 6_000_000, first: 110_000, rest: 5_050_000 } }),
    ];
    expect(clockFault([{ ...evidence()[0], laps: [right, less, moved] }])).toMatch(/^its clock says|work was moved/);
    expect(clockFault([{ ...evidence()[0], laps: [right, right, less, right, moved] }])).toBeUndefined();
  });

  it('is refused where the times of half of its processes are untrue, though most of its laps are true', () => {
    const [[right], [wrong]] = [laps(), laps({ nanoseconds: 500_000 })];
    const process = (...of: readonly ClockedLap[]) => ({ ...evidence()[0], laps: of });
    const [calm, untrue] = [process(right, right, right), process(wrong, wrong, right)];
    const reason = 'its clock says 5 µs a step, ours 51 µs a step';
    expect(clockFault([untrue])).toBe(reason);
    expect(clockFault([calm, untrue])).toBe(reason);
    expect(clockFault([calm, untrue, calm])).toBeUndefined();
    expect(clockFault([calm, untrue, process(right, wrong, wrong)])).toBe(reason);
    expect(clockFault([process(right, right), process(wrong, right), process(right, wrong)])).toBe(reason);
  });

  it('is refused where calm laps of two processes say less, though each has too few of them', () => {
    const wall = { reset: 60_000, first: 110_000, rest: 50_000_000 };
    const [busy] = laps({ wall, nanoseconds: 25_000_000, delayNanoseconds: 45_000_000 });
    const [[calm], [right]] = [laps({ nanoseconds: 2_500_000 }), laps()];
    const process = (...of: readonly ClockedLap[]) => ({ ...evidence()[0], laps: of });
    const lying = process(busy, busy, calm);
    expect(clockFault([lying, lying, lying])).toBe('its clock says 25 µs a step, ours 51 µs a step');
    expect(
      clockFault([process(busy, busy, busy), process(calm, calm, calm), process(busy, busy, right)]),
    ).toBeUndefined();
  });

  it('is refused where it says less than all processors can do in that time, though its main thread only waited', () => {
    const nanoseconds = 5_000_000 / availableParallelism() / 10;
    const change = {
      nanoseconds,
      delayNanoseconds: 5_000_000,
      mainThreadNanoseconds: 100_000,
      processorNanoseconds: 5e6,
    };
    expect(clockFault(evidence(change))).toMatch(/^its clock says/);
  });

  it('is believed where one process of three was disturbed, though most laps are its own', () => {
    const [[right], [wrong]] = [laps(), laps({ nanoseconds: 500_000 })];
    const process = (of: ClockedLap, count: number) => ({ ...evidence()[0], laps: Array(count).fill(of) });
    expect(clockFault([process(right, 2), process(wrong, 7), process(right, 2)])).toBeUndefined();
    expect(clockFault([process(wrong, 2), process(wrong, 7), process(right, 20)])).toMatch(
      /^its clock says 5 µs a step/,
    );
  });

  it('is refused where slow answers to words without work could hide a whole short lap', () => {
    const slowWords = { emptyWords: [2_000_000, 2_000_000] };
    const less = { nanoseconds: 3_000_000, mainThreadNanoseconds: 5_000_000, processorNanoseconds: 5_000_000 };
    expect(clockFault([{ ...evidence(less)[0], ...slowWords }])).toMatch(/^its clock says 30 µs a step/);
    const wall = { reset: 5_000_000, first: 110_000, rest: 150_000 };
    expect(clockFault([{ ...evidence({ ...less, wall, nanoseconds: 100_000 })[0], ...slowWords }])).toMatch(
      /work was moved/,
    );
  });

  it('is refused where it says more', () => {
    expect(clockFault(evidence({ nanoseconds: 6_000_000 }))).toBe('its clock says 60 µs a step, ours 51 µs a step');
  });

  it.each([
    [{ reset: 6_000_000, first: 110_000, rest: 100_000 }, /^`reset` took 6 ms, .*work was moved/],
    [{ reset: 60_000, first: 6_000_000, rest: 100_000 }, /^`train 1` took 6 ms, .*work was moved/],
  ])('is refused where work lies outside the timed steps', (wall, reason) => {
    expect(clockFault(evidence({ wall, nanoseconds: 50_000 }))).toMatch(reason);
  });

  it('is refused where a pause makes the steps after it faster: it trains between words', () => {
    expect(clockFault(evidence({}, [1_000, 1_200, 50_000]))).toMatch(/it trains between words$/);
    expect(clockFault(evidence({}, [50_000, 49_000, 1_000]))).toBeUndefined();
  });

  it('is refused where it trains between words, though in one lap its threads waited longer than the lap took', () => {
    const [late] = laps({ delayNanoseconds: 6_000_000, processorNanoseconds: 7_000_000 });
    const paused = [
      { ...evidence({}, [1_000, 1_200, 1_100])[0], laps: [late, ...laps({ processorNanoseconds: 7e6 })] },
    ];
    expect(clockFault(paused)).toMatch(/it trains between words$/);
  });
});
