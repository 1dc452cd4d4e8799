import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parameterCount, parameterLayout } from './parameter-layout.ts';

const model = { nEmbd: 16, nHead: 4, nLayer: 1, blockSize: 16, vocabSize: 27 };
const size = fc.integer({ min: 1, max: 64 });
const models = fc.record({ nEmbd: size, nHead: size, nLayer: size, blockSize: size, vocabSize: size });

describe('parameterLayout', () => {
  it('holds the original’s 4,192 parameters in the original’s order', () => {
    expect(parameterCount(model)).toBe(4192);
    expect(parameterLayout(model).map(({ name, rows, columns }) => `${name} ${rows}x${columns}`)).toEqual([
      'wte 27x16',
      'wpe 16x16',
      'lm_head 27x16',
      'layer0.attn_wq 16x16',
      'layer0.attn_wk 16x16',
      'layer0.attn_wv 16x16',
      'layer0.attn_wo 16x16',
      'layer0.mlp_fc1 64x16',
      'layer0.mlp_fc2 16x64',
    ]);
  });

  it('leaves no gap between matrices, and ends at the parameter count', () => {
    fc.assert(
      fc.property(models, (sizes) => {
        let end = 0;
        for (const { rows, columns, offset } of parameterLayout(sizes)) {
          expect(offset).toBe(end);
          end += rows * columns;
        }
        expect(end).toBe(parameterCount(sizes));
      }),
    );
  });
});
