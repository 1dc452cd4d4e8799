import { describe, expect, it } from 'vitest';
import { compilePeakLoop, peakLoop } from './simd-peak.ts';
import { measureThreadsGain, runsInWindow } from './threads-gain.ts';

describe('the gain of threads', () => {
  it('is what all of them do over what one does', async () => {
    const gain = await measureThreadsGain(2);
    expect(gain).toBeGreaterThan(0);
    expect(Number.isFinite(gain)).toBe(true);
  });

  it('counts no run before its window begins', () => {
    const start = process.hrtime.bigint() + 2_000_000n;
    let early = 0;
    const run = peakLoop(compilePeakLoop('float32'));
    const runs = runsInWindow((iterations) => {
      if (process.hrtime.bigint() < start) early++;
      run(iterations);
    }, start);
    expect([early, runs > 0]).toEqual([0, true]);
  });
});
