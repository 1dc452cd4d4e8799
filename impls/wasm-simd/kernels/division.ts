import type { ModelConfig } from '../../contract.ts';

/**
 * How threads on one shared memory divide a step, each with activations of its own: by documents of the batch, or by
 * features, where a thread has some of the heads, of the hidden features and of the vocabulary, and what lies between
 * these is added up from the threads' parts.
 */
export interface Division {
  readonly by: 'documents' | 'features';
  readonly thread: number;
  readonly threads: number;
}

export const undivided: Division = { by: 'documents', thread: 0, threads: 1 };

/** `count` things from `from` on. */
export interface Share {
  readonly from: number;
  readonly count: number;
}

/** What a thread has of the model's features. Divided documents are whole to their thread. */
export interface FeatureShares {
  readonly heads: Share;
  /** The features of these heads. */
  readonly headFeatures: Share;
  readonly hidden: Share;
  /** Rows of lm_head. */
  readonly tokens: Share;
}

export function featureShares({ nEmbd, nHead, vocabSize }: ModelConfig, division: Division): FeatureShares {
  const { thread, threads } = division.by === 'features' ? division : undivided;
  const share = (all: number, multiple: number): Share => {
    const bound = (of: number) => (of === threads ? all : Math.round((all / multiple / threads) * of) * multiple);
    return { from: bound(thread), count: bound(thread + 1) - bound(thread) };
  };
  const heads = share(nHead, 1);
  const headDim = nEmbd / nHead;
  return {
    heads,
    headFeatures: { from: heads.from * headDim, count: heads.count * headDim },
    hidden: share(4 * nEmbd, 8),
    tokens: share(vocabSize, 4),
  };
}

/**
 * Where threads divide features, attn_wo and mlp_fc2 have their columns divided, and lie in memory thread by thread: in one
 * piece each, a processor's prefetching never reaches for what another core is about to write.
 * @returns for each number in memory, which of the task's parameters it is; undefined where memory has the task's order
 */
export function storageOrder(model: ModelConfig, division: Division): Int32Array | undefined {
  if (division.by !== 'features') return undefined;
  const { nEmbd, nLayer, blockSize, vocabSize } = model;
  const threads = Array.from({ length: division.threads }, (_, thread) =>
    featureShares(model, { ...division, thread }),
  );
  const matrix = nEmbd * nEmbd;
  const order = Int32Array.from({ length: (2 * vocabSize + blockSize) * nEmbd + nLayer * 12 * matrix }, (_, i) => i);
  const divideColumns = (start: number, columns: number, shares: readonly Share[]) => {
    let next = start;
    for (const { from, count } of shares)
      for (let row = 0; row < nEmbd; row++)
        for (let column = from; column < from + count; column++) order[next++] = start + row * columns + column;
  };
  for (let layer = 0; layer < nLayer; layer++) {
    const start = (2 * vocabSize + blockSize) * nEmbd + layer * 12 * matrix;
    divideColumns(
      start + 3 * matrix,
      nEmbd,
      threads.map((shares) => shares.headFeatures),
    );
    divideColumns(
      start + 8 * matrix,
      4 * nEmbd,
      threads.map((shares) => shares.hidden),
    );
  }
  return order;
}
