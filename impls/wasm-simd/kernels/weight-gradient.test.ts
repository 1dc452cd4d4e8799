import fc from 'fast-check';
import { describe, test } from 'vitest';
import { expectClose, type Matrix, product, TestKernel, transposed, variants } from '../test-kernel.ts';
import { type TestShape, testShapes } from '../test-shapes.ts';
import { beta1, beta2 } from './adam.ts';
import { stages } from './request.ts';
import { toPanels } from './transpose.ts';
import { tileHeight, weightGradient } from './weight-gradient.ts';

/** Rows of the matrices of a model. */
const rowCounts = fc.constantFrom<((shape: TestShape) => number)[]>(
  ({ model }) => 3 * model.nEmbd,
  ({ model }) => 4 * model.nEmbd,
  ({ model }) => model.vocabSize,
);

const runs = { numRuns: 8 };

describe.each(variants)('$precision, fused $fused', (variant) => {
  test.each(['only', 'first', 'middle', 'last'] as const)('dW = dy xᵀ, as the %s documents of a batch', (stage) => {
    fc.assert(
      fc.property(testShapes(), rowCounts, (given, rowCount) => {
        const { model, documents, columns, draw } = given;
        const rows = rowCount(given);
        const { start, end } = stages[stage];
        const kernel = new TestKernel(
          model,
          variant,
          (v, l) => {
            const height = tileHeight(v, l);
            const of = (name: string, rows: number) => weightGradient(name, v, l, rows, stages[stage]);
            return [of('groups', height), of('rest', rows % height || 1), toPanels(v, l)];
          },
          documents.length,
        );
        const { l } = kernel;
        const area = (distance: number) => kernel.at(l.parameters + distance, rows, model.nEmbd);
        const [w, gradient, first, second] = [0, l.toGradient, l.toFirstMoment, l.toSecondMoment].map(area);
        const [dy, x] = [kernel.features(rows, columns), kernel.features(model.nEmbd, columns)];
        const upstream = kernel.fill(dy, draw);
        const inputs = kernel.fill(x, draw);
        const stored = kernel.fill(gradient, draw);
        const [weights, m, v] = [kernel.fill(w, draw), kernel.fill(first, draw), kernel.fill(second, () => 1 + draw())];
        const constants = { [l.rate]: 0.125, [l.epsilon]: 0.0625, [l.beta1]: beta1, [l.beta2]: beta2, [l.floor]: 0 };
        for (const [address, value] of Object.entries(constants)) kernel.writeNumber(Number(address), value);

        for (const distance of [0, l.toFirstMoment, l.toSecondMoment])
          kernel.fill(kernel.at(l.noTile + distance, 1, 12 * model.nEmbd), () => 0);
        for (const place of [dy, x]) kernel.padWithZeros(place);
        kernel.call('toPanels', [x.address, l.panels, kernel.vectors(columns)]);

        const outputs = end === 'adam' ? [w, first, second] : [gradient];
        const height = tileHeight(kernel.v, kernel.l);
        const groups = Math.floor(rows / height);
        if (groups > 0) kernel.run('groups', [w.address, dy.address, l.panels, columns, groups], outputs);
        const below = [w, dy].map(({ address, strideBytes }) => address + groups * height * strideBytes);
        if (rows % height > 0) kernel.run('rest', [...below, l.panels, columns, 1], outputs);
        if (end === 'adam') for (const name of ['groups', 'rest']) kernel.run(`${name}.finish`, [], outputs);

        const each = (of: (o: number, i: number) => number): Matrix =>
          weights.map((row, o) => row.map((_, i) => of(o, i)));
        const products = product(upstream, transposed(inputs));
        const g = each((o, i) => products[o][i] + (start === 'stored' ? stored[o][i] : 0));
        const tolerance = 4 * columns * kernel.epsilon;
        if (end === 'stored') return expectClose(kernel.read(gradient), g, tolerance);
        const nextM = each((o, i) => beta1 * m[o][i] + g[o][i]);
        const nextV = each((o, i) => beta2 * v[o][i] + g[o][i] ** 2);
        expectClose(kernel.read(first), nextM, tolerance);
        expectClose(kernel.read(second), nextV, tolerance);
        const updated = each((o, i) => weights[o][i] - (0.125 * nextM[o][i]) / (Math.sqrt(nextV[o][i]) + 0.0625));
        expectClose(kernel.read(w), updated, tolerance);
      }),
      runs,
    );
  });
});
