/** A function and its derivative, in place of relu. */
export interface Activation {
  readonly value: (x: number) => number;
  readonly slope: (x: number) => number;
}

/** The choices in which a trainer of this model can go wrong; {@link correctRules} has the reference's values, a suspect changes some. */
export interface TrainingRules {
  /** Index of the b-th document of a step's batch. */
  readonly document: (step: number, b: number, batch: number, documents: number) => number;
  readonly documentsWeigh: 'equally' | 'by their positions';
  /** What a document is cut to before it is trained on. */
  readonly tokens: 'all' | 'without the last' | 'without the first';
  /** Row of wpe for a position; undefined leaves positions out. */
  readonly positionRow: (position: number, positions: number, blockSize: number) => number | undefined;

  readonly normAfterEmbedding: boolean;
  readonly normBeforeAttention: boolean;
  readonly normBeforeMlp: boolean;
  readonly normBeforeLmHead: boolean;
  /** `centred` subtracts the mean first (layernorm), `sum of squares` does not divide by the size. */
  readonly rmsnorm: 'mean of squares' | 'centred' | 'sum of squares';
  readonly rmsnormEpsilon: number;
  readonly rmsnormEpsilonPlace: 'inside the root' | 'beside the root';
  /** `scale only` treats the root mean square as a constant, `none` passes the gradient through. */
  readonly rmsnormDerivative: 'whole' | 'scale only' | 'none' | 'as if epsilon were inside the root';

  readonly heads: (nHead: number) => number;
  /** Whether a head's features lie side by side, or every n_head-th belongs to it. */
  readonly headFeatures: 'side by side' | 'interleaved';
  /** What scores are divided by. */
  readonly attentionDivisor: (headDim: number, nEmbd: number) => number;
  /** In the backward pass, if that differs. */
  readonly attentionDivisorBackward?: (headDim: number, nEmbd: number) => number;
  readonly sees: 'itself and earlier ones' | 'all' | 'earlier ones';
  /** Whether softmax counts positions that are not seen, as scores of 0. */
  readonly softmaxCountsUnseen: boolean;
  readonly softmaxSubtractsMaximum: boolean;
  readonly softmaxDerivative: 'whole' | 'without its mean';
  /** Whether the loss at a position sends its gradient to its query, and to the keys and values of earlier positions. */
  readonly queryGradients: boolean;
  readonly keyGradients: 'every position' | 'own position' | 'none';
  readonly valueGradients: 'every position' | 'own position';

  readonly valueMatrix: 'attn_wv' | 'attn_wk';
  readonly outputProjection: boolean;
  readonly attentionResidual: boolean;
  readonly mlpResidual: boolean;
  /** Whether the gradient passes the residual, if the values do. */
  readonly attentionResidualBackward: boolean;
  readonly mlpResidualBackward: boolean;
  readonly activation: Activation;

  readonly outputMatrix: 'lm_head' | 'wte';
  /** Which token a position is to predict, and whether its loss counts. */
  readonly target: 'the next token' | 'its own token';
  readonly counts: 'every position' | 'all but the first' | 'all but the last' | 'all but those before BOS';
  /** Factor of a document's loss, and of its gradient. */
  readonly lossWeight: (positions: number, blockSize: number) => number;
  readonly gradientWeight: (positions: number, blockSize: number) => number;
  /** Factors of a document in a batch. */
  readonly batchLossWeight: (batch: number) => number;
  readonly batchWeight: (batch: number) => number;
  /** What is subtracted from the probability of the target, for the gradient of the logits. */
  readonly targetShare: number;
  /** For rows that are chosen more than once in a document. */
  readonly embeddingGradients: 'added' | 'overwritten';

  readonly gradientsZeroed: boolean;
  readonly clip: 'nothing' | 'norm' | 'entries';
  readonly weightDecay: { readonly amount: number; readonly place: 'nowhere' | 'gradient' | 'parameters' };
  /** From gradient to step: `g`, `m`, `g / √v`, `m / √v` and so on. */
  readonly optimizer:
    | 'adam'
    | 'amsgrad'
    | 'adam without the root'
    | 'nadam'
    | 'nadam of one correction'
    | 'rmsprop'
    | 'adagrad'
    | 'momentum'
    | 'sgd'
    | 'sign';
  readonly beta1: number;
  readonly beta2: number;
  /** Factor of a gradient on its way into the first moment; `1 - β1` by default. */
  readonly firstMomentShare?: number;
  /** Likewise, of its square. */
  readonly secondMomentShare?: number;
  /** Power of β in the bias corrections at a step counted from 0; undefined for no correction. */
  readonly biasCorrectionPower1: (step: number) => number | undefined;
  readonly biasCorrectionPower2: (step: number) => number | undefined;
  /** Factor of the learning rate at a step counted from 0. */
  readonly decay: (step: number, numSteps: number) => number;
  readonly epsilon: number;
  readonly epsilonPlace: 'beside the root' | 'inside the root' | 'beside the root of v uncorrected';
  /** What Adam skips if it has no gradient. */
  readonly leavesOut: 'nothing' | 'idle rows of wte' | 'idle rows of wpe' | 'idle rows of wte and wpe' | 'idle entries';
}

export const correctRules: TrainingRules = {
  document: (step, b, batch, documents) => (step * batch + b) % documents,
  documentsWeigh: 'equally',
  tokens: 'all',
  positionRow: (position) => position,
  normAfterEmbedding: true,
  normBeforeAttention: true,
  normBeforeMlp: true,
  normBeforeLmHead: false,
  rmsnorm: 'mean of squares',
  rmsnormEpsilon: 1e-5,
  rmsnormEpsilonPlace: 'inside the root',
  rmsnormDerivative: 'whole',
  heads: (nHead) => nHead,
  headFeatures: 'side by side',
  attentionDivisor: (headDim) => Math.sqrt(headDim),
  sees: 'itself and earlier ones',
  softmaxCountsUnseen: false,
  softmaxSubtractsMaximum: true,
  softmaxDerivative: 'whole',
  queryGradients: true,
  keyGradients: 'every position',
  valueGradients: 'every position',
  valueMatrix: 'attn_wv',
  outputProjection: true,
  attentionResidual: true,
  mlpResidual: true,
  attentionResidualBackward: true,
  mlpResidualBackward: true,
  activation: { value: (x) => Math.max(0, x), slope: (x) => (x > 0 ? 1 : 0) },
  outputMatrix: 'lm_head',
  target: 'the next token',
  counts: 'every position',
  lossWeight: (positions) => 1 / positions,
  gradientWeight: (positions) => 1 / positions,
  batchLossWeight: (batch) => 1 / batch,
  batchWeight: (batch) => 1 / batch,
  targetShare: 1,
  embeddingGradients: 'added',
  gradientsZeroed: true,
  clip: 'nothing',
  weightDecay: { amount: 0, place: 'nowhere' },
  optimizer: 'adam',
  beta1: 0.85,
  beta2: 0.99,
  biasCorrectionPower1: (step) => step + 1,
  biasCorrectionPower2: (step) => step + 1,
  decay: (step, numSteps) => 1 - step / numSteps,
  epsilon: 1e-8,
  epsilonPlace: 'beside the root',
  leavesOut: 'nothing',
};
