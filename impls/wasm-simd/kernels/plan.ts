import type { ModelConfig } from '../../contract.ts';

/** `count` items from index `from` on. */
export interface Share {
  readonly from: number;
  readonly count: number;
}

/** A kernel's shares of the model's features. */
export interface FeatureShares {
  readonly heads: Share;
  readonly hidden: Share;
  /** Rows of lm_head. */
  readonly tokens: Share;
}

/**
 * One of several kernels that train a step together in one memory. Each has its own activations. There are two kinds of plan.
 * Either the kernels `share` out the features: each writes its part of a sum, and all add up all parts. Or each kernel trains
 * its own documents and stores their gradient.
 */
export interface Plan {
  readonly part: number;
  readonly parts: number;
  /** The features of this part; undefined if it has documents of its own. */
  readonly share?: FeatureShares;
}

/** A kernel that trains alone. */
export const alone: Plan = { part: 0, parts: 1 };

/** A kernel's shares, with the features of its heads. */
export function sharesOf(
  { nEmbd, nHead, vocabSize }: ModelConfig,
  { share }: Plan,
): FeatureShares & { headFeatures: Share } {
  const all = (count: number): Share => ({ from: 0, count });
  const { heads, hidden, tokens } = share ?? { heads: all(nHead), hidden: all(4 * nEmbd), tokens: all(vocabSize) };
  const headDim = nEmbd / nHead;
  return { heads, hidden, tokens, headFeatures: { from: heads.from * headDim, count: heads.count * headDim } };
}
