import type { ModelConfig } from '../../impls/contract.ts';
import { type ParameterOrder, wrongOrders } from './parameter-orders.ts';
import { correctRules, type TrainingRules } from './training-rules.ts';

/** A trainer with one fault: what it does instead, and how to say so. */
export interface Suspect {
  /** The fault in the model's terms; follows "this is what comes out when". */
  readonly fault: string;
  readonly rules: TrainingRules;
  /** Whether the first loss and the gradient that comes from it are those of the reference. */
  readonly firstLossIsRight: boolean;
  /** Its own order of the start parameters, and of what it shows, if not the task's. */
  readonly reads?: ParameterOrder;
  readonly writes?: ParameterOrder;
  /** If gradients are shown in another order than parameters. */
  readonly writesGradients?: ParameterOrder;
}

/** The usual faults, the more usual ones first. */
export function suspects(model: ModelConfig): readonly Suspect[] {
  const suspect =
    (firstLossIsRight: boolean) =>
    ([fault, changed]: Fault): Suspect => ({ fault, rules: { ...correctRules, ...changed }, firstLossIsRight });
  return [
    ...[...faultsOfBackward, ...faultsOfModel, ...faultsOfLoss].map(suspect(false)),
    ...faultsOfOptimizer.map(suspect(true)),
    ...wrongOrders(model).flatMap(faultyOrders),
  ];
}

function faultyOrders({ description, order }: ReturnType<typeof wrongOrders>[number]): readonly Suspect[] {
  const suspect = (what: string, firstLossIsRight: boolean, orders: Partial<Suspect>): Suspect => ({
    fault: `${what}: ${description}`,
    rules: correctRules,
    firstLossIsRight,
    ...orders,
  });
  const right = order.map((_, i) => i);
  return [
    suspect('parameters are kept in the wrong order', false, { reads: order, writes: order }),
    suspect('start parameters are read in the wrong order', false, { reads: order }),
    suspect('`parameters` and `gradients` are written in the wrong order', true, { writes: order }),
    suspect('`parameters` is written in the wrong order, and `gradients` in the right one', true, {
      writes: order,
      writesGradients: right,
    }),
    suspect('`gradients` is written in the wrong order, and `parameters` in the right one', true, {
      writesGradients: order,
    }),
  ];
}

type Fault = readonly [fault: string, changed: Partial<TrainingRules>];

/** Faults that share what is right, which is said in brackets behind each. */
function rightIs(right: string, faults: readonly Fault[]): readonly Fault[] {
  return faults.map(([fault, changed]) => [`${fault} (${right})`, changed]);
}

const faultsOfBackward: readonly Fault[] = [
  ['gradients are never set back to zero between steps', { gradientsZeroed: false }],
  ...rightIs('the gradients of all its places add up', [
    ['a token that comes twice in a document overwrites its gradient in wte', { embeddingGradients: 'overwritten' }],
  ]),
  ...rightIs('the loss at a position reaches them too', [
    [
      'keys and values of earlier positions get no gradient',
      { keyGradients: 'own position', valueGradients: 'own position' },
    ],
    ['keys of earlier positions get no gradient', { keyGradients: 'own position' }],
    ['values of earlier positions get no gradient', { valueGradients: 'own position' }],
  ]),
  ...rightIs('the attention weights depend on both', [
    ['queries and keys get no gradient', { queryGradients: false, keyGradients: 'none' }],
  ]),
  ['queries get no gradient', { queryGradients: false }],
  ['keys get no gradient', { keyGradients: 'none' }],
  ...rightIs('dscore_j = a_j · (da_j - Σ a da)', [
    ['the backward pass of softmax leaves out its mean', { softmaxDerivative: 'without its mean' }],
  ]),
  ...rightIs('scores are divided by sqrt(head_dim)', [
    ['the scale of attention is missing in the backward pass alone', { attentionDivisorBackward: () => 1 }],
    [
      'the scale of attention is applied twice in the backward pass',
      { attentionDivisorBackward: (headDim) => headDim },
    ],
  ]),
  ...rightIs('its gradient is added to what comes out of rmsnorm', [
    ['the residual around attention is missing in the backward pass alone', { attentionResidualBackward: false }],
    ['the residual around the MLP is missing in the backward pass alone', { mlpResidualBackward: false }],
  ]),
  [
    'both residuals are missing in the backward pass alone (their gradients are added to what comes out of rmsnorm)',
    { attentionResidualBackward: false, mlpResidualBackward: false },
  ],
  ["rmsnorm's derivative is incomplete (its scale depends on x too)", { rmsnormDerivative: 'scale only' }],
  ['rmsnorm has no backward pass (the gradient goes through unchanged)', { rmsnormDerivative: 'none' }],
  ...rightIs('it is 0 where the input is not positive', [
    ["relu's derivative is 1 everywhere", { activation: { ...correctRules.activation, slope: () => 1 } }],
  ]),
  ['the gradient of the logits lacks the target (it is softmax minus 1 at the target)', { targetShare: 0 }],
  ['the gradient of the logits has the wrong sign at the target (it is softmax minus 1 there)', { targetShare: -1 }],
];

const sigmoid = (x: number) => 1 / (1 + Math.exp(-x));

const activations: Readonly<Record<string, TrainingRules['activation']>> = {
  'GELU, by its tanh formula': { value: gelu, slope: geluSlope },
  GELU: {
    value: (x) => x * normalCdf(x),
    slope: (x) => normalCdf(x) + (x * Math.exp((-x * x) / 2)) / Math.sqrt(2 * Math.PI),
  },
  SiLU: { value: (x) => x * sigmoid(x), slope: (x) => sigmoid(x) * (1 + x * (1 - sigmoid(x))) },
  tanh: { value: Math.tanh, slope: (x) => 1 - Math.tanh(x) ** 2 },
  sigmoid: { value: sigmoid, slope: (x) => sigmoid(x) * (1 - sigmoid(x)) },
  'the square of relu': { value: (x) => Math.max(0, x) ** 2, slope: (x) => 2 * Math.max(0, x) },
  'a leaky relu of slope 0.01': { value: (x) => (x > 0 ? x : 0.01 * x), slope: (x) => (x > 0 ? 1 : 0.01) },
};

const faultsOfModel: readonly Fault[] = [
  ...rightIs('scores are divided by sqrt(head_dim)', [
    ['the scale of attention is missing', { attentionDivisor: () => 1 }],
    ['the scale of attention is 1 / head_dim', { attentionDivisor: (headDim) => headDim }],
    ['the scale of attention is 1 / sqrt(n_embd)', { attentionDivisor: (_, nEmbd) => Math.sqrt(nEmbd) }],
  ]),
  ['attention has one head (it has n_head, each with its own softmax)', { heads: () => 1 }],
  ...rightIs('head h has the features h · head_dim to (h + 1) · head_dim - 1', [
    ['heads take every n_head-th feature', { headFeatures: 'interleaved' }],
  ]),
  ['positions attend to later ones (position t sees positions 0 to t)', { sees: 'all' }],
  ['the residual around attention is missing (x = Wo out + r)', { attentionResidual: false }],
  ['the residual around the MLP is missing (x = W2 relu(W1 x) + r)', { mlpResidual: false }],
  ...rightIs('x = Wo out + r, x = W2 relu(W1 x) + r', [
    ['both residuals are missing', { attentionResidual: false, mlpResidual: false }],
  ]),
  ...rightIs('epsilon is 1e-5, added to the mean of the squares', [
    ['rmsnorm has no epsilon', { rmsnormEpsilon: 0 }],
    ["rmsnorm's epsilon is 1e-6", { rmsnormEpsilon: 1e-6 }],
    ["rmsnorm's epsilon is 1e-8", { rmsnormEpsilon: 1e-8 }],
    ["rmsnorm's epsilon is added outside the root", { rmsnormEpsilonPlace: 'beside the root' }],
    [
      "rmsnorm's epsilon is added outside the root",
      { rmsnormEpsilonPlace: 'beside the root', rmsnormDerivative: 'as if epsilon were inside the root' },
    ],
  ]),
  ...rightIs('it is the root of their mean', [
    ['rmsnorm divides by the root of the sum of the squares', { rmsnorm: 'sum of squares' }],
  ]),
  ['there is a layernorm, which takes the mean off, in place of rmsnorm', { rmsnorm: 'centred' }],
  ['the rmsnorm after the embeddings is missing', { normAfterEmbedding: false }],
  ['the rmsnorm before attention is missing', { normBeforeAttention: false }],
  ['the rmsnorm before the MLP is missing', { normBeforeMlp: false }],
  ['there is an rmsnorm before lm_head (there should be none)', { normBeforeLmHead: true }],
  ['the MLP has no activation (it is relu)', { activation: { value: (x) => x, slope: () => 1 } }],
  ...Object.entries(activations).map(
    ([name, activation]): Fault => [`the activation is ${name} (it is relu)`, { activation }],
  ),
  ['wpe is not added (x = wte[token] + wpe[t])', { positionRow: () => undefined }],
  ...rightIs('x = wte[token] + wpe[t], with t from 0', [
    ['positions are counted from 1', { positionRow: (t, _, blockSize) => Math.min(t + 1, blockSize - 1) }],
    ['positions are counted from 1', { positionRow: (t, _, blockSize) => (t + 1) % blockSize }],
    ['positions are counted from the end', { positionRow: (t, n) => n - 1 - t }],
  ]),
  ['a position does not attend to itself (position t sees positions 0 to t)', { sees: 'earlier ones' }],
  ['softmax counts positions that are not there, as scores of 0 (their weight is 0)', { softmaxCountsUnseen: true }],
  ['values are made with attn_wk (they are attn_wv x)', { valueMatrix: 'attn_wk' }],
  ['attn_wo is left out (x = Wo out + r)', { outputProjection: false }],
  ['wte stands in for lm_head (lm_head is a matrix of its own)', { outputMatrix: 'wte' }],
  ...rightIs('large logits or attention scores overflow', [
    ['softmax does not subtract the maximum first', { softmaxSubtractsMaximum: false }],
  ]),
];

const weight = (share: TrainingRules['lossWeight']): Partial<TrainingRules> => ({
  lossWeight: share,
  gradientWeight: share,
});
const summed = () => 1;
const inBits = (positions: number) => 1 / (positions * Math.LN2);

const faultsOfLoss: readonly Fault[] = [
  ['the last target of a document is left out (BOS is predicted too)', { tokens: 'without the last' }],
  ...rightIs('BOS comes first, and predicts the first character', [
    ['the first target of a document is left out', { tokens: 'without the first' }],
  ]),
  ['the loss is summed over the positions instead of averaged', weight(summed)],
  [
    'the loss is summed over the positions instead of averaged where it is shown, not where its gradient is taken',
    { lossWeight: summed },
  ],
  [
    'the loss is summed over the positions instead of averaged where its gradient is taken, not where it is shown',
    { gradientWeight: summed },
  ],
  ...rightIs('it is the mean over the positions of the document', [
    ['the loss is divided by block_size', weight((_, blockSize) => 1 / blockSize)],
    ['the loss is divided by the number of tokens, one too many', weight((positions) => 1 / (positions + 1))],
  ]),
  ['the loss is in bits (it is the natural logarithm)', weight(inBits)],
  ['the loss is shown in bits (it is the natural logarithm)', { lossWeight: inBits }],
  ['the gradient is that of a loss in bits (it is the natural logarithm)', { gradientWeight: inBits }],
  ['a position is to predict its own token (it predicts the next)', { target: 'its own token' }],
  [
    'the last target of a document counts for nothing, and the mean is still over all positions (BOS is predicted too)',
    { counts: 'all but the last' },
  ],
  ...rightIs('BOS comes first, and predicts the first character', [
    ['the first target of a document counts for nothing', { counts: 'all but the first' }],
  ]),
  ...rightIs('the BOS at the end is predicted too', [
    ['targets that are BOS count for nothing', { counts: 'all but those before BOS' }],
  ]),
  ...rightIs('it is the mean of the means of its documents', [
    ['a batch is averaged over all its positions', { documentsWeigh: 'by their positions' }],
  ]),
  ['the gradients of a batch are added up instead of averaged over its documents', { batchWeight: () => 1 }],
  [
    'the losses and the gradients of a batch are added up instead of averaged over its documents',
    { batchLossWeight: () => 1, batchWeight: () => 1 },
  ],
  ...rightIs('step s, counted from 0, takes document s · batch and those after it, modulo their number', [
    ['the last document is never reached', { document: (s, b, batch, n) => (s * batch + b) % Math.max(1, n - 1) }],
    [
      'the last document is taken again and again once all were',
      { document: (s, b, batch, n) => Math.min(s * batch + b, n - 1) },
    ],
    [
      'a batch does not go on with the first document after the last',
      { document: (s, b, batch, n) => Math.min(((s * batch) % n) + b, n - 1) },
    ],
    ['of a batch the first document alone counts', { document: (s, _, batch, n) => (s * batch) % n }],
    [
      'of a batch the first document alone counts',
      {
        document: (s, _, batch, n) => (s * batch) % n,
        batchLossWeight: (batch) => 1 / batch ** 2,
        batchWeight: (batch) => 1 / batch ** 2,
      },
    ],
    ['documents are taken one too late', { document: (s, b, batch, n) => (s * batch + b + 1) % n }],
    ['every step takes the same documents', { document: (_, b, __, n) => b % n }],
    ['a step begins one document after the last, whatever the batch', { document: (s, b, _, n) => (s + b) % n }],
  ]),
  ['the gradient is clipped to a norm of 1 (it is not clipped)', { clip: 'norm' }],
  ['every entry of the gradient is clipped to between -1 and 1 (it is not clipped)', { clip: 'entries' }],
];

const leftOut =
  'untouched rows are left out of Adam (every parameter is updated at every step, also where its gradient is zero)';
const betas = (beta1: number, beta2: number): Fault => [
  `Adam's β are ${beta1} and ${beta2} (here β1 is 0.85, β2 is 0.99)`,
  { beta1, beta2 },
];
const both = (power: TrainingRules['biasCorrectionPower1']): Partial<TrainingRules> => ({
  biasCorrectionPower1: power,
  biasCorrectionPower2: power,
});

const faultsOfOptimizer: readonly Fault[] = [
  ...rightIs('at step s, counted from 0, it is learning_rate · (1 - s / num_steps)', [
    ['the learning rate is decayed to zero one step late', { decay: (s, n) => 1 - s / (n + 1) }],
    ['the learning rate is decayed to a tenth', { decay: (s, n) => 1 - (0.9 * s) / n }],
    ['the learning rate is not decayed', { decay: () => 1 }],
    ['the learning rate is decayed one step early', { decay: (s, n) => 1 - (s + 1) / n }],
    ['the learning rate is decayed to zero at the last step', { decay: (s, n) => 1 - s / (n - 1) }],
    ['the learning rate follows half a cosine', { decay: (s, n) => (1 + Math.cos((Math.PI * s) / n)) / 2 }],
    ['the learning rate is decayed by the square root', { decay: (s, n) => Math.sqrt(1 - s / n) }],
    ['the learning rate is decayed twice over, as a square', { decay: (s, n) => (1 - s / n) ** 2 }],
  ]),
  ...rightIs('its power is step + 1, with step counted from 0', [
    ["Adam's bias correction is counted from 0", both((step) => step)],
    ["Adam's bias correction is one step ahead", both((step) => step + 2)],
    ["Adam's bias correction is missing", both(() => undefined)],
    ["Adam's bias correction is missing for m", { biasCorrectionPower1: () => undefined }],
    ["Adam's bias correction is missing for v", { biasCorrectionPower2: () => undefined }],
    ["Adam's bias correction is that of the first step at every step", both(() => 1)],
  ]),
  ["Adam's β are swapped (β1 is 0.85, β2 is 0.99)", { beta1: correctRules.beta2, beta2: correctRules.beta1 }],
  betas(0.9, 0.999),
  betas(0.9, 0.95),
  betas(0.9, 0.99),
  betas(0.85, 0.999),
  betas(0.85, 0.95),
  ["Adam's first moment takes the whole gradient (m = β1 m + (1 - β1) g)", { firstMomentShare: 1 }],
  ...rightIs('it is m̂ / (sqrt(v̂) + 1e-8)', [
    ["Adam's epsilon stands inside the square root", { epsilonPlace: 'inside the root' }],
    [
      "Adam's epsilon is added to sqrt(v) before the bias correction",
      { epsilonPlace: 'beside the root of v uncorrected' },
    ],
    ["Adam's epsilon is left out", { epsilon: 0 }],
    // 0 / 0 is taken for 0.
    ["Adam's epsilon is left out", { epsilon: 1e-100 }],
    ...[1e-5, 1e-6, 1e-7, 1e-9, 1e-10].map((epsilon): Fault => [`Adam's epsilon is ${epsilon}`, { epsilon }]),
    ['Adam divides by v̂ without its root', { optimizer: 'adam without the root' }],
  ]),
  ...rightIs('it is Adam', [
    ['the update is plain gradient descent', { optimizer: 'sgd' }],
    ['the update is gradient descent with momentum', { optimizer: 'momentum', firstMomentShare: 1 }],
    ['the update is gradient descent with momentum 0.9', { optimizer: 'momentum', beta1: 0.9, firstMomentShare: 1 }],
    ['the update is RMSProp, without a first moment', { optimizer: 'rmsprop', biasCorrectionPower2: () => undefined }],
  ]),
  ["the update is Adam's without its first moment", { optimizer: 'rmsprop' }],
  ...rightIs('it is Adam', [
    ['the update is AdaGrad', { optimizer: 'adagrad' }],
    ['the update is NAdam', { optimizer: 'nadam' }],
    ['the update looks ahead, as NAdam does', { optimizer: 'nadam of one correction' }],
    ['the update is AMSGrad, whose v never falls', { optimizer: 'amsgrad' }],
    ['the update is the sign of the gradient', { optimizer: 'sign' }],
  ]),
  ["Adam's second moment takes the whole square of the gradient (v = β2 v + (1 - β2) g²)", { secondMomentShare: 1 }],
  ...[0.01, 0.1].map(
    (amount): Fault => [
      `parameters decay by learning rate · ${amount} · θ, as in AdamW (there is no weight decay)`,
      { weightDecay: { amount, place: 'parameters' } },
    ],
  ),
  ...[0.01, 0.1, 0.001, 0.0001].map(
    (amount): Fault => [
      `the gradient has ${amount} · θ added, as weight decay (there is none)`,
      { weightDecay: { amount, place: 'gradient' } },
    ],
  ),
  [`${leftOut}: rows of wte`, { leavesOut: 'idle rows of wte' }],
  [`${leftOut}: rows of wpe`, { leavesOut: 'idle rows of wpe' }],
  [`${leftOut}: rows of wte and wpe`, { leavesOut: 'idle rows of wte and wpe' }],
  [`${leftOut}: every entry whose gradient is zero`, { leavesOut: 'idle entries' }],
];

function gelu(x: number): number {
  return 0.5 * x * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3)));
}

function geluSlope(x: number): number {
  const t = Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3));
  return 0.5 * (1 + t) + 0.5 * x * (1 - t * t) * Math.sqrt(2 / Math.PI) * (1 + 3 * 0.044715 * x * x);
}

function normalCdf(x: number): number {
  return (1 + errorFunction(x / Math.SQRT2)) / 2;
}

/** Exact to rounding: its Taylor series, or its continued fraction far out. */
function errorFunction(x: number): number {
  if (Math.abs(x) > 3) return Math.sign(x) * (1 - complement(Math.abs(x)));
  let term = x;
  let sum = x;
  for (let n = 1; Math.abs(term) > 1e-18 && n < 200; n++) {
    term *= (-x * x) / n;
    sum += term / (2 * n + 1);
  }
  return (2 / Math.sqrt(Math.PI)) * sum;
}

function complement(x: number): number {
  let fraction = 0;
  for (let n = 60; n > 0; n--) fraction = n / 2 / (x + fraction);
  return Math.exp(-x * x) / Math.sqrt(Math.PI) / (x + fraction);
}
