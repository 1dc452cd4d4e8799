/** The right one, of all that a trainer may do. */
function oneOf<Right extends string, Wrong extends string>(right: Right, ..._wrong: readonly Wrong[]): Right | Wrong {
  return right;
}

const correct = {
  /** Index of the b-th document of a step's batch. */
  document: (step: number, b: number, batch: number, documents: number) => (step * batch + b) % documents,
  documentsWeigh: oneOf('equally', 'by their positions'),
  /** What a document is cut to before it is trained on. */
  tokens: oneOf('all', 'without the last', 'without the first'),
  /** Row of wpe for a position; undefined leaves positions out. */
  positionRow: (position: number, _positions: number, _blockSize: number): number | undefined => position,

  normAfterEmbedding: true,
  normBeforeAttention: true,
  normBeforeMlp: true,
  normBeforeLmHead: false,
  /** `centred` subtracts the mean first (layernorm), `sum of squares` does not divide by the size. */
  rmsnorm: oneOf('mean of squares', 'centred', 'sum of squares'),
  rmsnormEpsilon: 1e-5,
  rmsnormEpsilonPlace: oneOf('inside the root', 'beside the root'),
  /** `scale only` treats the root mean square as a constant, `none` passes the gradient through. */
  rmsnormDerivative: oneOf('whole', 'scale only', 'none', 'as if epsilon were inside the root'),

  heads: (nHead: number) => nHead,
  /** Whether a head's features lie side by side, or every n_head-th belongs to it. */
  headFeatures: oneOf('side by side', 'interleaved'),
  /** What scores are divided by. */
  attentionDivisor: (headDim: number, _nEmbd: number) => Math.sqrt(headDim),
  sees: oneOf('itself and earlier ones', 'all', 'earlier ones'),
  /** Whether softmax counts positions that are not seen, as scores of 0. */
  softmaxCountsUnseen: false,
  softmaxSubtractsMaximum: true,
  softmaxDerivative: oneOf('whole', 'without its mean'),
  /** Whether the loss at a position sends its gradient to its query, and to the keys and values of earlier positions. */
  queryGradients: true,
  keyGradients: oneOf('every position', 'own position', 'none'),
  valueGradients: oneOf('every position', 'own position'),

  valueMatrix: oneOf('attn_wv', 'attn_wk'),
  outputProjection: true,
  attentionResidual: true,
  mlpResidual: true,
  /** Whether the gradient passes the residual, if the values do. */
  attentionResidualBackward: true,
  mlpResidualBackward: true,
  /** A function and its derivative. */
  activation: { value: (x: number) => Math.max(0, x), slope: (x: number): number => (x > 0 ? 1 : 0) },

  outputMatrix: oneOf('lm_head', 'wte'),
  /** Which token a position is to predict, and whether its loss counts. */
  target: oneOf('the next token', 'its own token'),
  counts: oneOf('every position', 'all but the first', 'all but the last', 'all but those before BOS'),
  /** Factor of a document's loss, and of its gradient. */
  lossWeight: (positions: number, _blockSize: number) => 1 / positions,
  gradientWeight: (positions: number, _blockSize: number) => 1 / positions,
  /** Factors of a document in a batch. */
  batchLossWeight: (batch: number) => 1 / batch,
  batchWeight: (batch: number) => 1 / batch,
  /** What is subtracted from the probability of the target, for the gradient of the logits. */
  targetShare: 1,
  /** For rows that are chosen more than once in a document. */
  embeddingGradients: oneOf('added', 'overwritten'),

  gradientsZeroed: true,
  clip: oneOf('nothing', 'norm', 'entries'),
  weightDecay: { amount: 0, place: oneOf('nowhere', 'gradient', 'parameters') },
  /** From gradient to step: `g`, `m`, `g / √v`, `m / √v` and so on. */
  optimizer: oneOf(
    'adam',
    'amsgrad',
    'adam without the root',
    'nadam',
    'nadam of one correction',
    'rmsprop',
    'adagrad',
    'momentum',
    'sgd',
    'sign',
  ),
  beta1: 0.85,
  beta2: 0.99,
  /** Power of β in the bias corrections at a step counted from 0; undefined for no correction. */
  biasCorrectionPower1: (step: number): number | undefined => step + 1,
  biasCorrectionPower2: (step: number): number | undefined => step + 1,
  /** Factor of the learning rate at a step counted from 0. */
  decay: (step: number, numSteps: number) => 1 - step / numSteps,
  epsilon: 1e-8,
  epsilonPlace: oneOf('beside the root', 'inside the root', 'beside the root of v uncorrected'),
  /** What Adam skips if it has no gradient. */
  leavesOut: oneOf('nothing', 'idle rows of wte', 'idle rows of wpe', 'idle rows of wte and wpe', 'idle entries'),
};

/** The choices in which a trainer of this model can go wrong; {@link correctRules} has the reference's values, a suspect changes some. */
export type TrainingRules = Readonly<typeof correct> & {
  /** In the backward pass, if that differs. */
  readonly attentionDivisorBackward?: (headDim: number, nEmbd: number) => number;
  /** Factor of a gradient on its way into the first moment; `1 - β1` by default. */
  readonly firstMomentShare?: number;
  /** Likewise, of its square. */
  readonly secondMomentShare?: number;
};

export const correctRules: TrainingRules = correct;
