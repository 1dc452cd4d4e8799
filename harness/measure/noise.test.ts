import { describe, expect, it } from 'vitest';
import type { VerifiedRow } from '../results/schema.ts';
import { type MachineSenses, NoiseWatch, parseTicks } from './noise.ts';

function senses(overrides: Partial<MachineSenses> = {}): MachineSenses {
  return { loadAverage: () => 0.1, ticks: () => undefined, governor: () => 'performance', cores: 2, ...overrides };
}

function row(median: number, low: number, high: number): VerifiedRow {
  return {
    implementation: 'fast',
    language: 'TypeScript',
    technique: 'fake',
    precision: 'float64',
    threads: 1,
    status: 'verified',
    stepsVerified: 1000,
    stepsForced: 10,
    fractionOfBound: 0,
    sourceHash: '0'.repeat(64),
    tools: {},
    microsecondsPerSample: { median, low, high },
    roundsMicrosecondsPerSample: [median],
    outlierRounds: [],
    samplesPerLap: 1000,
    samplesMeasured: 1000,
    steady: true,
    speedup: {},
    startupMilliseconds: 1,
  };
}

describe('the noise report', () => {
  it('warns of nothing on a quiet machine', () => {
    const report = new NoiseWatch(senses()).report([10, 10.1, 9.9], [row(10, 9.9, 10.1)], 0.02);
    expect(report.warnings).toEqual([]);
    expect(report).toMatchObject({ loadAverage: 0.1, governor: 'performance' });
    expect(report.calibratorSpread).toBeCloseTo(0.01);
  });

  it('says that other virtual machines took the processor, from the ticks during the run', () => {
    const ticks = [
      { total: 1000, steal: 500 },
      { total: 2000, steal: 550 },
    ];
    const watch = new NoiseWatch(senses({ ticks: () => ticks.shift() }));
    const { stealFraction, warnings } = watch.report([], [], 0.02);
    expect(stealFraction).toBeCloseTo(0.05);
    expect(warnings).toEqual(['other virtual machines took 5% of the processor']);
  });

  it('says that the machine was busy before the run, by the load per core', () => {
    expect(new NoiseWatch(senses({ loadAverage: () => 1.5 })).report([], [], 0.02).warnings).toHaveLength(1);
    expect(new NoiseWatch(senses({ loadAverage: () => 1.5, cores: 8 })).report([], [], 0.02).warnings).toHaveLength(0);
  });

  it('says what to do about a governor that changes the clock', () => {
    const { warnings } = new NoiseWatch(senses({ governor: () => 'powersave' })).report([], [], 0.02);
    expect(warnings).toEqual([expect.stringContaining('cpupower frequency-set -g performance')]);
  });

  it('says when the calibrator shows that the machine changed its speed', () => {
    const { warnings } = new NoiseWatch(senses()).report([10, 11, 12, 10, 11], [], 0.02);
    expect(warnings).toEqual([expect.stringContaining('moved by ±9.1% between rounds')]);
  });

  it('says how many intervals are wider than the claim, and names the widest', () => {
    const rows = [row(10, 9.9, 10.1), row(10, 9.5, 10.5), { ...row(10, 8.77, 11.23), implementation: 'wild' }];
    const { warnings } = new NoiseWatch(senses()).report([], rows, 0.02);
    expect(warnings).toEqual(['intervals wider than ±2%: 2 of 3 rows, up to ±12% (wild)']);
  });

  it('leaves out what the platform does not tell', () => {
    const blind = senses({ loadAverage: () => undefined, governor: () => undefined });
    expect(new NoiseWatch(blind).report([], [], 0.02)).toEqual({ calibratorMicroseconds: [], warnings: [] });
  });
});

describe('/proc/stat', () => {
  it('gives all ticks, without those of guests that are counted as user time already, and the stolen ones', () => {
    expect(parseTicks('cpu  10 1 5 100 2 0 1 7 50 0\ncpu0 1 2 3\n')).toEqual({ total: 126, steal: 7 });
  });

  it.each([undefined, '', 'cpu  1 2 3', 'intr 5'])('that does not tell stolen ticks (%j) gives nothing', (text) => {
    expect(parseTicks(text)).toBeUndefined();
  });
});
