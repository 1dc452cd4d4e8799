import type { ParameterMatrix } from '../task/parameter-layout.ts';

/** What lies between a tensor and the ones nearer the loss: where the gradient went wrong if it is off there and right before. */
const between = {
  lm_head: 'the gradient of the logits',
  mlp_fc2: 'the backward pass of what follows the layer',
  mlp_fc1: 'the backward pass of mlp_fc2 and of relu',
  attn_wo: 'the backward pass of mlp_fc1, of the rmsnorm before it and of the residual around the MLP',
  attn_wv: 'the backward pass of attn_wo, and how values get their gradient from the positions that attend to them',
  wpe: 'the backward pass of the products with attn_wq, attn_wk and attn_wv, of the rmsnorms around them and of the residual around attention',
} satisfies Record<string, string>;

/**
 * Where a fault of the backward pass must be, from the tensors whose gradient is off: the nearest to the loss among them is
 * where it shows first, and what the gradient passed on the way there is to blame.
 *
 * @param off names of tensors that do not agree
 */
export function whereToLook(layout: readonly ParameterMatrix[], off: readonly string[]): readonly string[] {
  const order = fromTheLoss(layout);
  const first = order.find((group) => group.some((name) => off.includes(name)));
  if (first === undefined) return [];
  const wrong = first.filter((name) => off.includes(name));
  const place = placeOf(wrong, off);
  if (off.length === layout.length) return [`no tensor agrees: look at ${place}`];
  const isFirst = first === order[0];
  return [`${isFirst ? '' : `everything nearer the loss than ${wrong.join(' and ')} agrees: `}look at ${place}`];
}

function placeOf(wrong: readonly string[], off: readonly string[]): string {
  const kinds = wrong.map((name) => name.split('.').at(-1) ?? name);
  if (kinds.includes('attn_wq') && kinds.includes('attn_wk'))
    return "softmax's backward pass and the scale of the scores";
  if (kinds.includes('attn_wq')) return 'how queries get their gradient from the scores';
  if (kinds.includes('attn_wk')) return 'how keys get their gradient from the positions that attend to them';
  if (kinds.includes('wpe') && kinds.includes('wte')) return between.wpe;
  if (kinds.includes('wte')) return 'how the rows of wte add up: a token may come more than once';
  if (kinds.includes('wpe')) return off.includes('wte') ? between.wpe : 'how the rows of wpe get their gradient';
  return isTensorKind(kinds[0]) ? between[kinds[0]] : kinds[0];
}

/** Tensors as the gradient reaches them; those that it reaches at once are together. */
function fromTheLoss(layout: readonly ParameterMatrix[]): readonly (readonly string[])[] {
  const layers = [
    ...new Set(layout.map(({ name }) => name.match(/^layer\d+\./)?.[0]).filter((name) => name !== undefined)),
  ];
  return [
    ['lm_head'],
    ...layers
      .toReversed()
      .flatMap((layer) =>
        [['mlp_fc2'], ['mlp_fc1'], ['attn_wo'], ['attn_wv'], ['attn_wq', 'attn_wk']].map((group) =>
          group.map((name) => layer + name),
        ),
      ),
    ['wpe', 'wte'],
  ];
}

function isTensorKind(kind: string): kind is keyof typeof between {
  return kind in between;
}
