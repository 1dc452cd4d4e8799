import fc from 'fast-check';
import { describe, test } from 'vitest';
import { expectClose, TestKernel, transposed, variants } from '../test-kernel.ts';
import { testShapes } from '../test-shapes.ts';
import { panelVectors, toPanels } from './transpose.ts';

describe.each(variants)('$precision, fused $fused', (variant) => {
  test('a panel has some features of all columns, column by column', () => {
    fc.assert(
      fc.property(testShapes(), ({ model: { nEmbd, ...model }, documents, columns, draw }) => {
        const kernel = new TestKernel({ ...model, nEmbd }, variant, (v, l) => [toPanels(v, l)], documents.length);
        const { l, v } = kernel;
        // Whole squares are transposed, padding included.
        const padded = kernel.vectors(columns) * v.lanes;
        const from = kernel.features(nEmbd, padded);
        const x = kernel.fill(from, draw);
        const wide = panelVectors(v, l) * v.lanes;
        const panels = Array.from({ length: nEmbd / wide }, (_, panel) =>
          kernel.at(l.panels + panel * wide * v.elementBytes * l.columnCapacity, padded, wide),
        );
        kernel.run('toPanels', [from.address, l.panels, kernel.vectors(columns)], panels);
        for (const [panel, place] of panels.entries())
          expectClose(kernel.read(place), transposed(x.slice(panel * wide, (panel + 1) * wide)), 0);
      }),
      { numRuns: 10 },
    );
  });
});
