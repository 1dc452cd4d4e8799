/**
 * What an implementation gets, and what it returns: the one file that `impls/` and `harness/` share.
 *
 * A TypeScript implementation exports a {@link CreateTrainer} as its default export. A program in another language gets
 * the same task as files and flags, and is asked for the same by words on its standard input; see `impls/README.md`.
 */

/** Sizes of the model, in the original's terms. `nEmbd` is divisible by `nHead`. */
export interface ModelConfig {
  readonly nEmbd: number;
  readonly nHead: number;
  readonly nLayer: number;
  /** Longest context, in positions. */
  readonly blockSize: number;
  /** Number of characters plus one; the last id, `vocabSize - 1`, is BOS. */
  readonly vocabSize: number;
}

/** Everything that determines a training run, down to the last bit of its start parameters. */
export interface TrainingTask {
  readonly model: ModelConfig;
  /** Token ids of all documents, end to end; each document is `[BOS, …, BOS]`, cut to at most `blockSize + 1` tokens. */
  readonly tokens: Int32Array;
  /** `[documents + 1]`: document d is `tokens[offsets[d]] … tokens[offsets[d + 1] - 1]`, and has one position fewer than tokens. */
  readonly offsets: Int32Array;
  /** Start parameters, flat, in the order wte, wpe, lm_head, then per layer attn_wq, attn_wk, attn_wv, attn_wo, mlp_fc1, mlp_fc2. */
  readonly parameters: Float64Array;
  /** Documents per step: step s takes documents `S + s·batch … S + s·batch + batch - 1`, modulo their number; S comes with {@link Trainer.reset}. */
  readonly batch: number;
  /** Length of the learning-rate schedule, `learningRate · (1 - step / numSteps)`. The harness never asks for more steps than this. */
  readonly numSteps: number;
  readonly learningRate: number;
}

/** One model in training. All methods are synchronous: when they return, the work is done. */
export interface Trainer {
  /** Trains the next `steps` steps and returns the loss of each, `[steps]`, computed before that step's update. */
  train(steps: number): Float64Array;
  /** Goes back to step 0: start parameters, empty Adam moments. Step 0 then begins with document `firstDocument`; before any reset, with document 0. */
  reset(firstDocument: number): void;
  /** A copy of the current parameters, `[parameters]`, in the order of `TrainingTask.parameters`. */
  parameters(): Float64Array;
  /** The gradient of the next step's loss, in the same order. Changes nothing in the trainer. Left out if gradients are never stored. */
  gradients?(): Float64Array;
  /** Time spent building code for this task's sizes. Left out if the code was found in a cache. */
  readonly buildNanoseconds?: number;
  /** Ends workers and frees other resources. */
  close?(): void;
}

/**
 * May be called again, for another task, after its last trainer is closed.
 * @throws UnsupportedTask if this implementation cannot train such a task
 */
export type CreateTrainer = (task: TrainingTask) => Trainer | Promise<Trainer>;

/**
 * An implementation that generates code may have a `profile.ts` with this as its default export. It is the same trainer, but in a
 * step the functions for which `isRepeated` holds run twice. The time that this adds to a step is their time. The losses then mean nothing.
 */
export type CreateRepeatingTrainer = (
  task: TrainingTask,
  isRepeated: (functionName: string) => boolean,
) => Trainer | Promise<Trainer>;

/** This implementation does not train such a task. The row says `unsupported` and the reason. */
export class UnsupportedTask extends Error {
  override readonly name = 'UnsupportedTask';
}
