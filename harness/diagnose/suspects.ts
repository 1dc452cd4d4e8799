import type { ModelConfig } from '../../impls/contract.ts';
import { correctRules, type TrainingRules } from '../verify/training-rules.ts';
import { type ParameterOrder, wrongOrders } from './parameter-orders.ts';

/** A trainer with one fault: what it does instead of what the reference prescribes, and how to say so. */
export interface Suspect {
  /** The fault in the model's terms; follows "this is what comes out when". */
  readonly fault: string;
  readonly rules: TrainingRules;
  /** How it takes the start parameters, and gives back what it is asked for, where that is not the order of the task. */
  readonly reads?: ParameterOrder;
  readonly writes?: ParameterOrder;
}

/** The usual faults, the more usual ones first. */
export function suspects(model: ModelConfig): readonly Suspect[] {
  return [
    ...faultyRules.map(([fault, changed]) => ({ fault, rules: { ...correctRules, ...changed } })),
    ...faultyOrders(model),
  ];
}

function faultyOrders(model: ModelConfig): readonly Suspect[] {
  return wrongOrders(model).flatMap(({ description, order }) => [
    {
      fault: `parameters are kept in the wrong order: ${description}`,
      rules: correctRules,
      reads: order,
      writes: order,
    },
    { fault: `start parameters are read in the wrong order: ${description}`, rules: correctRules, reads: order },
    {
      fault: `\`parameters\` and \`gradients\` are written in the wrong order: ${description}`,
      rules: correctRules,
      writes: order,
    },
  ]);
}

const rightScale = 'scores are divided by sqrt(head_dim)';
const rightEpsilon = 'epsilon is 1e-5, added to the mean of the squares';
const rightPower = 'its power is step + 1, with step counted from 0';
const rightDecay = 'at step s, counted from 0, it is learning_rate · (1 - s / num_steps)';
const leftOut =
  'untouched rows are left out of Adam (every parameter is updated at every step, also where its gradient is zero)';

const faultyRules: readonly (readonly [fault: string, changed: Partial<TrainingRules>])[] = [
  [
    'keys and values of earlier positions get no gradient (the loss at a position reaches them too)',
    { keyGradients: 'own position', valueGradients: 'own position' },
  ],
  [
    'keys of earlier positions get no gradient (the loss at a position reaches them too)',
    { keyGradients: 'own position' },
  ],
  [
    'values of earlier positions get no gradient (the loss at a position reaches them too)',
    { valueGradients: 'own position' },
  ],
  [`the scale of attention is missing (${rightScale})`, { attentionDivisor: () => 1 }],
  [`the scale of attention is 1 / head_dim (${rightScale})`, { attentionDivisor: (headDim) => headDim }],
  [`the scale of attention is 1 / sqrt(n_embd) (${rightScale})`, { attentionDivisor: (_, nEmbd) => Math.sqrt(nEmbd) }],
  ['the residual around attention is missing (x = Wo out + r)', { attentionResidual: false }],
  ['the residual around the MLP is missing (x = W2 relu(W1 x) + r)', { mlpResidual: false }],
  ["rmsnorm's derivative is incomplete (its scale depends on x too)", { rmsnormDerivative: 'scale only' }],
  [`rmsnorm has no epsilon (${rightEpsilon})`, { rmsnormEpsilon: 0 }],
  [`rmsnorm's epsilon is 1e-6 (${rightEpsilon})`, { rmsnormEpsilon: 1e-6 }],
  [`rmsnorm's epsilon is 1e-8 (${rightEpsilon})`, { rmsnormEpsilon: 1e-8 }],
  ['the rmsnorm after the embeddings is missing', { normAfterEmbedding: false }],
  ['there is an rmsnorm before lm_head (there should be none)', { normBeforeLmHead: true }],
  ["relu's derivative is 1 everywhere (it is 0 where the input is not positive)", { reluDerivative: 'one' }],
  ['positions attend to later ones (position t sees positions 0 to t)', { causal: false }],
  [
    'softmax does not subtract the maximum first (large logits or attention scores overflow)',
    { softmaxSubtractsMaximum: false },
  ],
  ['the loss is summed over the positions instead of averaged', { lossWeight: 'sum', gradientWeight: 'sum' }],
  [
    'the loss is summed over the positions instead of averaged where it is shown, not where its gradient is taken',
    { lossWeight: 'sum' },
  ],
  [
    'the loss is summed over the positions instead of averaged where its gradient is taken, not where it is shown',
    { gradientWeight: 'sum' },
  ],
  [`Adam's bias correction is counted from 0 (${rightPower})`, { biasCorrectionPower: (step) => step }],
  [`Adam's bias correction is one step ahead (${rightPower})`, { biasCorrectionPower: (step) => step + 2 }],
  [`Adam's bias correction is missing (${rightPower})`, { biasCorrectionPower: () => undefined }],
  ["Adam's β are swapped (β1 is 0.85, β2 is 0.99)", { beta1: correctRules.beta2, beta2: correctRules.beta1 }],
  ["Adam's β are 0.9 and 0.999 (here β1 is 0.85, β2 is 0.99)", { beta1: 0.9, beta2: 0.999 }],
  [`the learning rate is not decayed (${rightDecay})`, { decay: () => 1 }],
  [
    `the learning rate is decayed one step early (${rightDecay})`,
    { decay: (step, numSteps) => 1 - (step + 1) / numSteps },
  ],
  ["Adam's epsilon stands inside the square root (it is sqrt(v̂) + 1e-8)", { epsilon: 'inside the root' }],
  [`${leftOut}: rows of wte`, { leavesOut: 'idle rows of wte' }],
  [`${leftOut}: rows of wte and wpe`, { leavesOut: 'idle rows of wte and wpe' }],
  [`${leftOut}: every entry whose gradient is zero`, { leavesOut: 'idle entries' }],
];
