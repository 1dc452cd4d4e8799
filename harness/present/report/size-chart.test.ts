import fc from 'fast-check';
import { expect, it } from 'vitest';
import { apart } from './size-chart.ts';

it('labels that would cover each other are moved apart, in their order, and stay inside the chart', () => {
  const places = fc.array(fc.double({ min: 28, max: 364, noNaN: true }), { minLength: 1, maxLength: 20 });
  fc.assert(
    fc.property(places, (wanted) => {
      const moved = apart(wanted)
        .map((shift, i) => ({ wanted: wanted[i], got: wanted[i] + shift }))
        .toSorted((a, b) => a.got - b.got);
      for (const [i, { got, wanted }] of moved.entries()) {
        expect(got).toBeLessThanOrEqual(368 + 1e-9);
        if (i === 0) continue;
        expect(got - moved[i - 1].got).toBeGreaterThan(14.9);
        expect(wanted).toBeGreaterThanOrEqual(moved[i - 1].wanted);
      }
    }),
  );
});
