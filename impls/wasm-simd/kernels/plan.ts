import type { ModelConfig } from '../../contract.ts';

/** `count` things from `from` on. */
export interface Share {
  readonly from: number;
  readonly count: number;
}

/** What a kernel has of the model's features. */
export interface FeatureShares {
  readonly heads: Share;
  readonly hidden: Share;
  /** Rows of lm_head. */
  readonly tokens: Share;
}

/**
 * One kernel among several that train a step together on one memory, each with activations of its own. Either all
 * `share` out the features, and leave their parts of a sum for all to add up; or each trains documents of its own, and
 * stores their gradient.
 */
export interface Plan {
  readonly part: number;
  readonly parts: number;
  /** Of this part; undefined where it has documents of its own. */
  readonly share?: FeatureShares;
}

/** A kernel that trains alone. */
export const alone: Plan = { part: 0, parts: 1 };

/** What a kernel has, with the features of its heads. */
export function sharesOf(
  { nEmbd, nHead, vocabSize }: ModelConfig,
  { share }: Plan,
): FeatureShares & { headFeatures: Share } {
  const all = (count: number): Share => ({ from: 0, count });
  const { heads, hidden, tokens } = share ?? { heads: all(nHead), hidden: all(4 * nEmbd), tokens: all(vocabSize) };
  const headDim = nEmbd / nHead;
  return { heads, hidden, tokens, headFeatures: { from: heads.from * headDim, count: heads.count * headDim } };
}
