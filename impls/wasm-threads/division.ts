import { type ModelConfig, type TrainingTask, UnsupportedTask } from '../contract.ts';
import { documentRange } from '../wasm-simd/kernel-instance.ts';
import type { FeatureShares, Plan, Share } from '../wasm-simd/kernels/plan.ts';

/** From this many features on, sharing a step saves more time than the meetings cost. */
const smallestSharedWidth = 64;

/**
 * The plans of all threads. They share out the features if there are enough, otherwise the documents of a batch.
 * @throws UnsupportedTask if there is nothing to share out
 */
export function divide({ batch, model }: TrainingTask, cores: number): Plan[] {
  const wide = model.nEmbd >= smallestSharedWidth && (model.nEmbd / model.nHead) % 4 === 0;
  if (!wide && batch === 1) throw new UnsupportedTask(whyIndivisible(model));
  const parts = Math.min(cores, wide ? model.nHead : batch);
  if (parts < 2) throw new UnsupportedTask('nothing to divide: this machine or this task has room for one thread only');
  return Array.from({ length: parts }, (_, part) =>
    wide ? { part, parts, share: featureShares(model, part, parts) } : { part, parts },
  );
}

function whyIndivisible({ nEmbd, nHead }: ModelConfig): string {
  if (nEmbd < smallestSharedWidth)
    return `one document of n_embd ${nEmbd} is too little to divide among cores: --batch 2 or more, or --n-embd ${smallestSharedWidth} or more`;
  return `heads of ${nEmbd / nHead} features do not fill vectors of 4, so threads cannot share them out`;
}

/** Nearly equal shares of heads, hidden features and tokens. Hidden features are shared in eights, tokens in fours. */
function featureShares({ nEmbd, nHead, vocabSize }: ModelConfig, part: number, parts: number): FeatureShares {
  const share = (all: number, multiple: number): Share => {
    const bound = (of: number) => (of === parts ? all : Math.round((all / multiple / parts) * of) * multiple);
    return { from: bound(part), count: bound(part + 1) - bound(part) };
  };
  return { heads: share(nHead, 1), hidden: share(4 * nEmbd, 8), tokens: share(vocabSize, 4) };
}

/** Gives out the documents, the longest first, each to the part that has least to do. The result depends only on the documents. */
export function documentsOf(task: TrainingTask, firstDocument: number, step: number, parts: number): number[][] {
  const longestFirst = Array.from({ length: task.batch }, (_, i) => {
    const [start, end] = documentRange(task, firstDocument, step, i);
    return { i, positions: end - start - 1 };
  });
  longestFirst.sort((a, b) => b.positions - a.positions || a.i - b.i);
  const load = new Array<number>(parts).fill(0);
  const own: number[][] = load.map(() => []);
  for (const { i, positions } of longestFirst) {
    const least = load.indexOf(Math.min(...load));
    load[least] += positions;
    own[least].push(i);
  }
  return own;
}
