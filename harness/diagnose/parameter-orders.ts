import type { ModelConfig } from '../../impls/contract.ts';
import { type ParameterMatrix, parameterLayout } from '../task/parameter-layout.ts';

/** `order[i]` is the place, in the task's order, of a trainer's i-th parameter. */
export type ParameterOrder = Int32Array;

/** From the task's order into a trainer's own. */
export function arrange(parameters: Float64Array, order: ParameterOrder): Float64Array {
  const arranged = new Float64Array(parameters.length);
  for (let i = 0; i < order.length; i++) arranged[i] = parameters[order[i]];
  return arranged;
}

/** From a trainer's own order back into the task's. */
export function putBack(parameters: Float64Array, order: ParameterOrder): Float64Array {
  const original = new Float64Array(parameters.length);
  for (let i = 0; i < order.length; i++) original[order[i]] = parameters[i];
  return original;
}

export function wrongOrders(
  model: ModelConfig,
): readonly { readonly description: string; readonly order: ParameterOrder }[] {
  const layout = parameterLayout(model);
  const layers = layout.filter(({ name }) => name.startsWith('layer'));
  const named = (...names: readonly string[]) =>
    names.flatMap((name) => layout.filter((matrix) => matrix.name === name));
  const sequences: readonly (readonly [string, readonly ParameterMatrix[]])[] = [
    ['lm_head last (it stands between wpe and the layers)', [...named('wte', 'wpe'), ...layers, ...named('lm_head')]],
    ['lm_head before wpe', [...named('wte', 'lm_head', 'wpe'), ...layers]],
    ['wpe before wte', [...named('wpe', 'wte', 'lm_head'), ...layers]],
    ['the layers first', [...layers, ...named('wte', 'wpe', 'lm_head')]],
    ['layers counted from the last', [...named('wte', 'wpe', 'lm_head'), ...grouped(layers, 0).reverse().flat()]],
    [
      'kind by kind (all attn_wq, then all attn_wk, …) instead of layer by layer',
      [...named('wte', 'wpe', 'lm_head'), ...grouped(layers, 1).flat()],
    ],
  ];
  const swaps = [['wte', 'lm_head'], ...pairsOf(['attn_wq', 'attn_wk', 'attn_wv', 'attn_wo']), ['mlp_fc1', 'mlp_fc2']];
  const transposes: readonly (readonly [string, (name: string) => boolean])[] = [
    ['every matrix transposed (they are stored row by row, [out, in])', () => true],
    [
      'the matrices of the layers transposed (they are stored row by row, [out, in])',
      (name) => name.startsWith('layer'),
    ],
    ['the attention matrices transposed (they are stored row by row, [out, in])', (name) => name.includes('attn')],
    ['the MLP matrices transposed (they are stored row by row, [out, in])', (name) => name.includes('mlp')],
    ['lm_head transposed (it is stored row by row, [vocab, n_embd])', (name) => name === 'lm_head'],
  ];
  return [
    ...sequences.map(([description, sequence]) => ({ description, order: inSequence(layout, sequence) })),
    ...swaps.map(([one, other]) => ({
      description: `${one} and ${other} swapped`,
      order: swapped(layout, one, other),
    })),
    ...transposes.map(([description, chosen]) => ({ description, order: transposed(layout, chosen) })),
  ].filter(({ order }) => order.some((from, i) => from !== i));
}

function pairsOf(names: readonly string[]): readonly (readonly [string, string])[] {
  return names.flatMap((one, i) => names.slice(i + 1).map((other) => [one, other] as const));
}

/** By the layer in their names (part 0) or by their kind (part 1). */
function grouped(layers: readonly ParameterMatrix[], part: 0 | 1): ParameterMatrix[][] {
  return [...Map.groupBy(layers, ({ name }) => name.split('.')[part]).values()];
}

/** A trainer that reads the file as if its matrices stood in the order of `sequence`. */
function inSequence(layout: readonly ParameterMatrix[], sequence: readonly ParameterMatrix[]): ParameterOrder {
  const order = emptyOrder(layout);
  let from = 0;
  for (const { offset, rows, columns } of sequence) {
    for (let i = 0; i < rows * columns; i++) order[offset + i] = from++;
  }
  return order;
}

function swapped(layout: readonly ParameterMatrix[], one: string, other: string): ParameterOrder {
  const exchange = (name: string) => {
    const [prefix, kind] = name.includes('.') ? [`${name.split('.')[0]}.`, name.split('.')[1]] : ['', name];
    return prefix + (kind === one ? other : kind === other ? one : kind);
  };
  const order = emptyOrder(layout);
  for (const matrix of layout) {
    const source = layout.find(({ name }) => name === exchange(matrix.name)) ?? matrix;
    for (let i = 0; i < matrix.rows * matrix.columns; i++) order[matrix.offset + i] = source.offset + i;
  }
  return order;
}

function transposed(layout: readonly ParameterMatrix[], chosen: (name: string) => boolean): ParameterOrder {
  const order = emptyOrder(layout);
  for (const { name, offset, rows, columns } of layout) {
    for (let r = 0; r < rows; r++) {
      for (let c = 0; c < columns; c++) {
        order[offset + r * columns + c] = offset + (chosen(name) ? c * rows + r : r * columns + c);
      }
    }
  }
  return order;
}

function emptyOrder(layout: readonly ParameterMatrix[]): ParameterOrder {
  return new Int32Array(layout.reduce((count, { rows, columns }) => count + rows * columns, 0));
}
