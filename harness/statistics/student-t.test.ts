import { describe, expect, it } from 'vitest';
import { studentCriticalValue } from './student-t.ts';

describe("Student's critical value", () => {
  // Any table of the t distribution, two-sided.
  it.each([
    [0.05, 1, 12.7062],
    [0.05, 2, 4.30265],
    [0.05, 3, 3.18245],
    [0.05, 4, 2.77645],
    [0.05, 6, 2.44691],
    [0.05, 9, 2.26216],
    [0.05, 30, 2.04227],
    [0.01, 5, 4.03214],
    [0.1, 10, 1.81246],
    [0.5, 10, 0.69981],
  ])('for tail %f and %i degrees of freedom is %f', (tail, degreesOfFreedom, expected) => {
    expect(studentCriticalValue(tail, degreesOfFreedom)).toBeCloseTo(expected, 3);
  });

  it('refuses what is not a probability or not a number of degrees', () => {
    expect(() => studentCriticalValue(0, 3)).toThrow(RangeError);
    expect(() => studentCriticalValue(0.05, 1.5)).toThrow(RangeError);
  });
});
