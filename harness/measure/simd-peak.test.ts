import { describe, expect, it } from 'vitest';
import { calibrationMicroseconds, measurePeakGflops } from './simd-peak.ts';

describe('the peak of one core', () => {
  it('is measured for both precisions, with half the lanes in float64', () => {
    const { float32, float64 } = measurePeakGflops();
    expect(float64).toBeGreaterThan(0);
    expect(float32).toBeGreaterThan(0);
    expect(Number.isFinite(float32 / float64)).toBe(true);
  });
});

describe('the calibrator', () => {
  it('is the harness’s own code, and gives a time', () => {
    expect(calibrationMicroseconds()).toBeGreaterThan(0);
    expect(Number.isFinite(calibrationMicroseconds())).toBe(true);
  });
});
