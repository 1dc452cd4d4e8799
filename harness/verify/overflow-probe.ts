import type { Mismatch } from '../diagnose/judge.ts';
import { parameterLayout } from '../task/parameter-layout.ts';
import type { PreparedTask } from '../task/task.ts';
import { RulesTrainer } from './rules-trainer.ts';

/** Logits and attention scores of the probe: beyond what `exp` can take, in float64 (709) as in float32 (88). */
const HEIGHT = 1_000;
/** The first feature of every position: far above the others, so that rmsnorm makes it nearly sqrt(n_embd) everywhere. */
const FIRST_FEATURE = 10;

/** Float32 keeps a logit of a thousand to 6e-5; what overflows is not off by a little. */
const TOLERANCE = 1e-2;

/**
 * The same task with start parameters that lift all logits, and all attention scores, by about a thousand. That changes no
 * probability; but a softmax that does not subtract the maximum first overflows.
 */
export function overflowProbe(task: PreparedTask): PreparedTask {
  const { model } = task.training;
  const { nEmbd, nHead, blockSize, vocabSize } = model;
  const parameters = task.training.parameters.slice();
  const headDim = nEmbd / nHead;
  for (const { name, columns, offset } of parameterLayout(model)) {
    const raise = (row: number, by: number) => {
      parameters[offset + row * columns] += by;
    };
    if (name === 'wpe') for (let t = 0; t < blockSize; t++) raise(t, FIRST_FEATURE);
    if (name === 'lm_head') for (let token = 0; token < vocabSize; token++) raise(token, HEIGHT / Math.sqrt(nEmbd));
    if (name.endsWith('attn_wq') || name.endsWith('attn_wk')) {
      for (let h = 0; h < nHead; h++) raise(h * headDim, Math.sqrt((HEIGHT * Math.sqrt(headDim)) / nEmbd));
    }
  }
  return { ...task, training: { ...task.training, parameters } };
}

/** What is wrong with the first loss on the probe; undefined where nothing is. */
export function describeOverflow(
  probe: PreparedTask,
  loss: number,
): Pick<Mismatch, 'status' | 'reason' | 'diagnosis'> | undefined {
  const expected = new RulesTrainer(probe.training).step();
  if (Math.abs(loss - expected) <= TOLERANCE) return undefined;
  const came = Number.isFinite(loss) ? `came ${loss}` : 'came one that is not finite';
  return {
    status: 'mismatch',
    reason: `where logits and attention scores are near ${HEIGHT}: expected a first loss of ${expected}, ${came}`,
    diagnosis: [
      'this is what comes out when softmax does not subtract the maximum first (large logits or attention scores overflow)',
    ],
  };
}
