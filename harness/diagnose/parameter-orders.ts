import type { ModelConfig } from '../../impls/contract.ts';
import { type ParameterMatrix, parameterLayout } from '../task/parameter-layout.ts';

/** `order[i]` is the place, in the task's order, of a trainer's i-th parameter. */
export type ParameterOrder = Int32Array;

/** From the task's order into a trainer's own. */
export function arrange(parameters: Float64Array, order: ParameterOrder): Float64Array {
  return parameters.map((_, i) => parameters[order[i]]);
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

/** @param sourceOf where a trainer takes the i-th entry of a matrix from */
function orderOf(
  layout: readonly ParameterMatrix[],
  sourceOf: (matrix: ParameterMatrix) => (i: number) => number,
): ParameterOrder {
  const order: number[] = [];
  for (const matrix of layout) {
    const source = sourceOf(matrix);
    for (let i = 0; i < matrix.rows * matrix.columns; i++) order.push(source(i));
  }
  return Int32Array.from(order);
}

/** A trainer that reads the file as if its matrices stood in the order of `sequence`. */
function inSequence(layout: readonly ParameterMatrix[], sequence: readonly ParameterMatrix[]): ParameterOrder {
  const starts = new Map<ParameterMatrix, number>();
  let start = 0;
  for (const matrix of sequence) {
    starts.set(matrix, start);
    start += matrix.rows * matrix.columns;
  }
  return orderOf(layout, (matrix) => (i) => (starts.get(matrix) ?? matrix.offset) + i);
}

function swapped(layout: readonly ParameterMatrix[], one: string, other: string): ParameterOrder {
  const exchanged = (name: string) =>
    name.replace(/[^.]+$/, (kind) => (kind === one ? other : kind === other ? one : kind));
  return orderOf(layout, (matrix) => {
    const { offset } = layout.find(({ name }) => name === exchanged(matrix.name)) ?? matrix;
    return (i) => offset + i;
  });
}

function transposed(layout: readonly ParameterMatrix[], chosen: (name: string) => boolean): ParameterOrder {
  return orderOf(layout, ({ name, offset, rows, columns }) => (i) => {
    return offset + (chosen(name) ? (i % columns) * rows + Math.floor(i / columns) : i);
  });
}
