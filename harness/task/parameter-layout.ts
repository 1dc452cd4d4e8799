import type { ModelConfig } from '../../impls/contract.ts';

/** One matrix in the flat parameter array: entry (r, c) is at `offset + r · columns + c`. */
export interface ParameterMatrix {
  readonly name: string;
  readonly rows: number;
  readonly columns: number;
  readonly offset: number;
}

/** Where every matrix lies, in the order in which they are drawn and stored. */
export function parameterLayout(model: ModelConfig): readonly ParameterMatrix[] {
  const { nEmbd, nLayer, blockSize, vocabSize } = model;
  const layout: ParameterMatrix[] = [];
  let offset = 0;
  const place = (name: string, rows: number, columns: number) => {
    layout.push({ name, rows, columns, offset });
    offset += rows * columns;
  };

  place('wte', vocabSize, nEmbd);
  place('wpe', blockSize, nEmbd);
  place('lm_head', vocabSize, nEmbd);
  for (let i = 0; i < nLayer; i++) {
    for (const name of ['attn_wq', 'attn_wk', 'attn_wv', 'attn_wo']) place(`layer${i}.${name}`, nEmbd, nEmbd);
    place(`layer${i}.mlp_fc1`, 4 * nEmbd, nEmbd);
    place(`layer${i}.mlp_fc2`, nEmbd, 4 * nEmbd);
  }
  return layout;
}

/** 4,192 for the original. */
export function parameterCount(model: ModelConfig): number {
  const { nEmbd, nLayer, blockSize, vocabSize } = model;
  return (2 * vocabSize + blockSize) * nEmbd + nLayer * 12 * nEmbd * nEmbd;
}
