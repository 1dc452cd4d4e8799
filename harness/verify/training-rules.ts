/**
 * The choices in which a trainer of this model can go wrong, each with the value REFERENCE prescribes in {@link correctRules}.
 * A suspect is the same set with one of them changed.
 */
export interface TrainingRules {
  /** Whether the loss at a position sends its gradient to the keys, and the values, of earlier positions. */
  readonly keyGradients: 'every position' | 'own position';
  readonly valueGradients: 'every position' | 'own position';
  /** What scores are divided by. */
  readonly attentionDivisor: (headDim: number, nEmbd: number) => number;
  /** Whether a position sees later ones too. */
  readonly causal: boolean;
  readonly attentionResidual: boolean;
  readonly mlpResidual: boolean;
  /** `scale only` takes the root mean square for a constant. */
  readonly rmsnormDerivative: 'whole' | 'scale only';
  readonly rmsnormEpsilon: number;
  readonly normAfterEmbedding: boolean;
  readonly normBeforeLmHead: boolean;
  readonly reluDerivative: 'step' | 'one';
  readonly softmaxSubtractsMaximum: boolean;
  /** What a document's losses, and their gradients, are multiplied by before they are added up. */
  readonly lossWeight: 'mean' | 'sum';
  readonly gradientWeight: 'mean' | 'sum';
  readonly beta1: number;
  readonly beta2: number;
  /** Power of β in the bias correction at a step counted from 0; undefined where there is no correction. */
  readonly biasCorrectionPower: (step: number) => number | undefined;
  /** What the learning rate is multiplied by at a step counted from 0. */
  readonly decay: (step: number, numSteps: number) => number;
  readonly epsilon: 'beside the root' | 'inside the root';
  /** What Adam leaves out where no gradient came: rows of wte, of wpe too, any entry, or nothing. */
  readonly leavesOut: 'nothing' | 'idle rows of wte' | 'idle rows of wte and wpe' | 'idle entries';
}

/** The rules of the reference. */
export const correctRules: TrainingRules = {
  keyGradients: 'every position',
  valueGradients: 'every position',
  attentionDivisor: (headDim) => Math.sqrt(headDim),
  causal: true,
  attentionResidual: true,
  mlpResidual: true,
  rmsnormDerivative: 'whole',
  rmsnormEpsilon: 1e-5,
  normAfterEmbedding: true,
  normBeforeLmHead: false,
  reluDerivative: 'step',
  softmaxSubtractsMaximum: true,
  lossWeight: 'mean',
  gradientWeight: 'mean',
  beta1: 0.85,
  beta2: 0.99,
  biasCorrectionPower: (step) => step + 1,
  decay: (step, numSteps) => 1 - step / numSteps,
  epsilon: 'beside the root',
  leavesOut: 'nothing',
};
