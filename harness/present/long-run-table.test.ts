import { describe, expect, it } from 'vitest';
import { longRunTable } from './long-run-table.ts';

const page = { width: 80, color: false };

describe('the table of long runs', () => {
  it('shows both ends, and says where a row was too slow for all steps or was refused', () => {
    const tenth = (microsecondsPerStep: number) => ({
      microsecondsPerStep,
      microsecondsPerPosition: microsecondsPerStep / 7,
    });
    const fast = (steps: number) => ({
      implementation: 'fast',
      preset: 'd16',
      status: 'verified' as const,
      run: {
        steps,
        stepsAsked: 50_000,
        stepsVerified: 50,
        firstTenth: tenth(8),
        lastTenth: tenth(8.2),
        lastOverFirst: 1.025,
      },
    });
    const text = longRunTable(
      [fast(1200), { implementation: 'wrong', preset: 'd16', status: 'mismatch', reason: 'step 2' }],
      page,
    );
    expect(text).toMatch(/fast +│ d16 +│ +1,200 │ +8\.00 µs │ +8\.20 µs │ +1\.025 │/);
    expect(text).toContain('fewer steps than asked for');
    expect(text).toContain('wrong: mismatch: step 2');
    expect(longRunTable([fast(49_901)], page)).not.toContain('fewer steps');
  });
});
