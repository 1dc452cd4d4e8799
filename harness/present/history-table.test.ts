import { describe, expect, it } from 'vitest';
import { historyTables } from './history-table.ts';

const page = { width: 80, color: false };

describe('the history', () => {
  it('shows the trend, and the commits between which it stepped', () => {
    const point = (microsecondsPerSample: number, commit: string) => ({
      createdAt: '2026-01-02T00:00:00.000Z',
      commit,
      microsecondsPerSample: {
        median: microsecondsPerSample,
        low: 0.99 * microsecondsPerSample,
        high: 1.01 * microsecondsPerSample,
      },
      processes: 8,
      steady: false,
    });
    const text = historyTables(
      [
        {
          implementation: 'fast',
          taskName: 'd16',
          machine: { fingerprint: 'abc', platform: 'linux', cpu: 'AMD EPYC' },
          runtime: 'node 26',
          points: [point(10, 'a'.repeat(40)), point(11, 'b'.repeat(40))],
          steps: [{ at: point(11, 'b'.repeat(40)), before: point(10, 'a'.repeat(40)), ratio: 1.1 }],
        },
      ],
      page,
    );
    expect(text).toContain('d16 on linux AMD EPYC (abc), node 26');
    expect(text).toContain('~10.0 ±1.0%');
    expect(text).toContain('~ still warming up');
    expect(text).toContain('10.0% slower since 2026-01-02, at bbbbbbbbbb, after aaaaaaaaaa');
  });
});
