import { describe, expect, test } from 'vitest';
import { expectClose, TestKernel, variants } from '../test-kernel.ts';
import { adamScales, beta1, beta2, updateStored } from './adam.ts';

const model = { nEmbd: 8, nHead: 1, nLayer: 1, blockSize: 4, vocabSize: 5 };
const count = (model.vocabSize + model.blockSize) * model.nEmbd;

describe.each(variants)('$precision, fused $fused', (variant) => {
  /** The embeddings and their moments after so many steps. `gradientOf` gives the gradient of each step. */
  function steps(number: number, gradientOf: (step: number, i: number) => number) {
    const kernel = new TestKernel(model, variant, (v, l) => [updateStored(v, l)]);
    const { l, v } = kernel;
    const area = (distance: number) => kernel.at(l.parameters + distance, 1, count);
    const [p, first, second, gradient] = [0, l.toFirstMoment, l.toSecondMoment, l.toGradient].map(area);
    kernel.fill(p, (_, i) => Math.sin(i));
    for (const zero of [first, second, gradient]) kernel.fill(zero, () => 0);
    for (const [address, value] of [
      [l.beta1, beta1],
      [l.beta2, beta2],
      [l.floor, v.floor],
    ] as const)
      kernel.writeNumber(address, value);
    for (let step = 0; step < number; step++) {
      const { rate, epsilon } = adamScales(0.01 * (1 - step / number), step + 1);
      kernel.writeNumber(l.rate, rate);
      kernel.writeNumber(l.epsilon, epsilon);
      kernel.fill(gradient, (_, i) => gradientOf(step, i));
      const args = [l.parameters, count / v.lanes];
      if (step === 0) kernel.run('updateStored', args, [p, first, second, gradient]);
      else kernel.call('updateStored', args);
      expectClose(kernel.read(gradient), [new Array(count).fill(0)], 0);
    }
    return { kernel, parameters: kernel.read(p), m: kernel.read(first), v: kernel.read(second) };
  }

  test('updates follow the formula, rows without a gradient too, once they had one', () => {
    const gradientOf = (step: number, i: number) =>
      i < model.nEmbd ? 0 : i < 2 * model.nEmbd && step > 3 ? 0 : Math.cos(3 * step + i) * 10 ** -(i % 9);
    const { kernel, parameters } = steps(40, gradientOf);
    const expected = Array.from({ length: count }, (_, i) => {
      let [p, m, v] = [Math.sin(i), 0, 0];
      for (let step = 0; step < 40; step++) {
        const g = gradientOf(step, i);
        m = 0.85 * m + 0.15 * g;
        v = 0.99 * v + 0.01 * g * g;
        const [mHat, vHat] = [m / (1 - 0.85 ** (step + 1)), v / (1 - 0.99 ** (step + 1))];
        p -= (0.01 * (1 - step / 40) * mHat) / (Math.sqrt(vHat) + 1e-8);
      }
      return p;
    });
    expectClose(parameters, [expected], 40 * kernel.epsilon);
  });

  test('moments that decay for thousands of steps stay normal numbers, and their parameters stand still', () => {
    const once = (step: number) => (step === 0 ? 1e-3 : 0);
    const late = steps(3000, once);
    const smallestNormal = variant.precision === 'float32' ? 2 ** -126 : 2 ** -1022;
    for (const moment of [...late.m[0], ...late.v[0]]) expect(moment).toBeGreaterThanOrEqual(smallestNormal);
    const never = steps(3000, () => 0);
    for (const moment of [...never.m[0], ...never.v[0]]) expect(moment).toBeGreaterThanOrEqual(smallestNormal);
    expectClose(never.parameters, [Array.from({ length: count }, (_, i) => Math.sin(i))], never.kernel.epsilon);
  });
});
