import { describe, expect, test } from 'vitest';
import type { TrainingTask } from '../../impls/contract.ts';
import { parameterCount, parameterLayout } from '../task/parameter-layout.ts';
import { PythonRandom } from '../task/python-random.ts';
import { float32, float64, rightArithmetics } from '../testing/arithmetic.ts';
import { type Fault, faults } from '../testing/faults.ts';
import { createPlainTrainer } from '../testing/plain-trainer.ts';
import type { Evidence } from '../verify/verify-implementation.ts';
import { diagnose } from './diagnose.ts';
import { rulesTrainer } from './rules-trainer.ts';
import { suspects } from './suspects.ts';

const STEPS = 8;

/** Small, with two layers, batches that wrap around, tokens that come twice, full blocks and gradients beyond 1. */
const task: TrainingTask = taskOf([
  [7, 0, 1, 0, 2, 7],
  [7, 3, 3, 7],
  [7, 4, 5, 6, 1, 2, 0],
  [7, 6, 7],
  [7, 1, 2, 1, 1, 2, 7],
]);

function taskOf(documents: readonly (readonly number[])[]): TrainingTask {
  const model = { nEmbd: 6, nHead: 3, nLayer: 2, blockSize: 6, vocabSize: 8 };
  const random = new PythonRandom(3);
  const offsets = [0];
  for (const document of documents) offsets.push((offsets.at(-1) ?? 0) + document.length);
  return {
    model,
    tokens: Int32Array.from(documents.flat()),
    offsets: Int32Array.from(offsets),
    parameters: Float64Array.from({ length: parameterCount(model) }, () => random.gauss(0, 0.4)),
    batch: 2,
    numSteps: 40,
    learningRate: 0.02,
  };
}

function evidenceOf(of: readonly Fault[], { showsGradient = true, arithmetic = float64 } = {}): Evidence {
  const trainer = createPlainTrainer(task, arithmetic, of);
  const gradient = trainer.gradients().slice();
  const losses: number[] = [];
  const parametersAfter: Float64Array[] = [];
  for (let step = 0; step < STEPS; step++) {
    losses.push(trainer.train(1)[0]);
    parametersAfter.push(trainer.parameters().slice());
  }
  return { task, losses: Float64Array.from(losses), parametersAfter, ...(showsGradient ? { gradient } : {}) };
}

/** What each mistake is called: the sentence up to its explanation. Mistakes that are not here get no name, only a description. */
const names: Partial<Record<Fault, string>> = {
  'gradients are never zeroed': 'gradients are never set back to zero between steps',
  'a batch takes documents s, s + 1, …': 'a step begins one document after the last, whatever the batch',
  'documents are off by one': 'documents are taken one too late',
  'the last document comes again and again': 'the last document is taken again and again once all were',
  'the last document is never reached': 'the last document is never reached',
  'a batch never wraps around': 'the last document is taken again and again once all were',
  'documents are cut one early': 'the last target of a document is left out',
  'the first token is skipped': 'the first target of a document is left out',
  'all but the first document of a batch are left out': 'of a batch the first document alone counts',
  'the last document of a batch is left out': 'of a batch the first document alone counts',
  'a batch is averaged over its positions': 'a batch is averaged over all its positions',
  'a batch is summed': 'the losses and the gradients of a batch are added up instead of averaged over its documents',
  'positions are counted from 1': 'positions are counted from 1',
  'positions are counted from the end': 'positions are counted from the end',
  'there are no position embeddings': 'wpe is not added',
  'no norm after the embeddings': 'the rmsnorm after the embeddings is missing',
  'a norm before lm_head': 'there is an rmsnorm before lm_head',
  'lm_head is tied to wte': 'wte stands in for lm_head',
  'a repeated token overwrites its gradient': 'a token that comes twice in a document overwrites its gradient in wte',
  'all heads are one': 'attention has one head',
  'no norm before attention': 'the rmsnorm before attention is missing',
  'wq and wk are exchanged': 'parameters are kept in the wrong order: attn_wq and attn_wk swapped',
  'values are keys': 'values are made with attn_wk',
  'scores are not scaled': 'the scale of attention is missing',
  'scores are divided by head_dim': 'the scale of attention is 1 / head_dim',
  'scores are divided by sqrt(n_embd)': 'the scale of attention is 1 / sqrt(n_embd)',
  'features are dealt out to heads in turn': 'heads take every n_head-th feature',
  'positions see later ones': 'positions attend to later ones',
  'a position does not see itself': 'a position does not attend to itself',
  'softmax counts positions that are not there': 'softmax counts positions that are not there, as scores of 0',
  'wo is left out': 'attn_wo is left out',
  'no residual around attention': 'the residual around attention is missing',
  'softmax backward without its mean': 'the backward pass of softmax leaves out its mean',
  'backward forgets the scale of scores': 'the scale of attention is missing in the backward pass alone',
  'earlier keys get no gradient': 'keys of earlier positions get no gradient',
  'earlier values get no gradient': 'values of earlier positions get no gradient',
  'queries get no gradient': 'queries get no gradient',
  'keys get no gradient': 'keys get no gradient',
  'backward forgets the residual around attention':
    'the residual around attention is missing in the backward pass alone',
  'no norm before the MLP': 'the rmsnorm before the MLP is missing',
  'no residual around the MLP': 'the residual around the MLP is missing',
  'backward forgets the residual around the MLP': 'the residual around the MLP is missing in the backward pass alone',
  'relu leaks': 'the activation is a leaky relu of slope 0.01',
  'relu is squared': 'the activation is the square of relu',
  'relu is gelu': 'the activation is GELU, by its tanh formula',
  'relu is silu': 'the activation is SiLU',
  "relu's derivative is 1 everywhere": "relu's derivative is 1 everywhere",
  'the mean is taken over the block': 'the loss is divided by block_size',
  'the last target is dropped': 'the last target of a document is left out',
  'targets are the tokens themselves': 'a position is to predict its own token',
  'the first target is dropped': 'the first target of a document counts for nothing',
  'BOS is ignored as a target': 'targets that are BOS count for nothing',
  'the logarithm is of base 2': 'the loss is shown in bits',
  'the loss is summed': 'the loss is summed over the positions instead of averaged',
  'the shown loss is summed':
    'the loss is summed over the positions instead of averaged where it is shown, not where its gradient is taken',
  'the gradient is summed':
    'the loss is summed over the positions instead of averaged where its gradient is taken, not where it is shown',
  'the gradient of the loss is of base 2': 'the gradient is that of a loss in bits',
  'β1 is 0.9': "Adam's β are 0.9 and 0.99",
  'β2 is 0.999': "Adam's β are 0.85 and 0.999",
  'β2 is 0.95': "Adam's β are 0.85 and 0.95",
  'β are swapped': "Adam's β are swapped",
  'ε is 1e-7': "Adam's epsilon is 1e-7",
  'ε is 1e-9': "Adam's epsilon is 1e-9",
  'ε is missing': "Adam's epsilon is left out",
  'the rate is constant': 'the learning rate is not decayed',
  'the rate decays one step early': 'the learning rate is decayed one step early',
  'the rate decays to zero one step late': 'the learning rate is decayed to zero one step late',
  'the rate follows a cosine': 'the learning rate follows half a cosine',
  'the rate decays to a tenth': 'the learning rate is decayed to a tenth',
  'bias correction is counted from 0': "Adam's bias correction is counted from 0",
  'bias correction is one step ahead': "Adam's bias correction is one step ahead",
  'bias correction stays as in step 1': "Adam's bias correction is that of the first step at every step",
  'no bias correction': "Adam's bias correction is missing",
  'no bias correction of m': "Adam's bias correction is missing for m",
  'no bias correction of v': "Adam's bias correction is missing for v",
  'the gradient is clipped to ±1': 'every entry of the gradient is clipped to between -1 and 1',
  'the gradient is clipped to norm 1': 'the gradient is clipped to a norm of 1',
  'rows of wte that no token chose are left out': 'untouched rows are left out of Adam: rows of wte',
  'rows of wpe that no document reached are left out': 'untouched rows are left out of Adam: rows of wpe',
  'entries without a gradient are left out': 'untouched rows are left out of Adam: every entry whose gradient is zero',
  'weights decay through the gradient': 'the gradient has 0.0001 · θ added, as weight decay',
  'v takes all of g²': "Adam's second moment takes the whole square of the gradient",
  'the update looks ahead': 'the update looks ahead, as NAdam does',
  'v never falls': 'the update is AMSGrad, whose v never falls',
  'ε stands inside the root': "Adam's epsilon stands inside the square root",
  'ε is added before the correction': "Adam's epsilon is added to sqrt(v) before the bias correction",
  'weights decay beside Adam': 'parameters decay by learning rate · 0.01 · θ, as in AdamW',
  "rmsnorm's ε is 1e-6": "rmsnorm's epsilon is 1e-6",
  "rmsnorm's ε is 1e-8": "rmsnorm's epsilon is 1e-8",
  'rmsnorm has no ε': 'rmsnorm has no epsilon',
  "rmsnorm's ε is outside the root": "rmsnorm's epsilon is added outside the root",
  "rmsnorm's scale is taken for a constant": "rmsnorm's derivative is incomplete",
};

const FOUND = 'this is what comes out when ';

/** Names that were found, without what is said in brackets. */
function namesIn(sentences: readonly string[]): readonly string[] {
  return sentences
    .filter((sentence) => sentence.startsWith(FOUND))
    .flatMap((sentence) => sentence.slice(FOUND.length).split(', or when '))
    .map((name) => name.replace(/ \(.*\)/, ''));
}

describe('a mistake is called by its name, and no other is', () => {
  test.each(faults)('%s', (fault) => {
    const expected = names[fault];
    const sentences = diagnose(evidenceOf([fault]), 'float64');
    expect(namesIn(sentences)).toEqual(expected === undefined ? [] : [expected]);
    if (!/float|losses are shown/.test(fault)) expect(sentences.join()).not.toMatch(/float/);
  });

  test('at least 80 of the mistakes have one', () => {
    expect(Object.keys(names).length).toBeGreaterThanOrEqual(80);
  });
});

describe('what has no name is described', () => {
  const wrong = (change: (evidence: Evidence) => Partial<Evidence>, of: readonly Fault[] = []) => {
    const evidence = evidenceOf(of);
    return diagnose({ ...evidence, ...change(evidence) }, 'float64').join('; ');
  };

  test('by the factor that a gradient is off by, and where to look for it', () => {
    const layout = parameterLayout(task.model);
    const fc1 = layout.find(({ name }) => name === 'layer1.mlp_fc1');
    const scaled = wrong(({ gradient = new Float64Array() }) => ({
      gradient: gradient.map((g, i) =>
        fc1 !== undefined && i >= fc1.offset && i < fc1.offset + fc1.rows * fc1.columns ? 7 * g : g,
      ),
    }));
    expect(scaled).toBe(
      "the gradient is 7.00 × the reference's in layer1.mlp_fc1; everything nearer the loss than layer1.mlp_fc1 agrees: look at the backward pass of mlp_fc2 and of relu",
    );
    expect(wrong(({ gradient }) => ({ gradient: gradient?.map((g) => 7 * g) }))).toBe(
      "the gradient is 7.00 × the reference's, in every tensor",
    );
  });

  test('by the factor that the update is off by', () => {
    const tenth = wrong(({ parametersAfter }) => ({
      losses: Float64Array.of(evidenceOf([]).losses[0]),
      parametersAfter: [parametersAfter[0].map((after, i) => task.parameters[i] + 0.1 * (after - task.parameters[i]))],
    }));
    expect(tenth).toBe("the update of step 1 is 0.100 × the reference's: look at the learning rate");
  });

  test('by the weight decay that its difference amounts to', () => {
    const decayed = wrong(({ parametersAfter }) => ({
      losses: Float64Array.of(evidenceOf([]).losses[0]),
      parametersAfter: [parametersAfter[0].map((after, i) => after - task.learningRate * 0.037 * task.parameters[i])],
    }));
    expect(decayed).toBe("the update of step 1 is the reference's and 0.0370 · learning rate · θ: weight decay");
  });

  test.each([
    [
      'the last head gets no gradient',
      /nearer the loss than layer1\.attn_wv agrees: look at the backward pass of attn_wo/,
    ],
    ['keys more than 2 back get no gradient', /nearer the loss than layer1\.attn_wk agrees: look at how keys get/],
    ['a repeated token counts once', /nearer the loss than wte agrees: look at how the rows of wte add up/],
    ['β2 is 0.989', /agrees up to step 1, the update of step 2 does not: look at Adam's moments/],
    ['the rate warms up', /^the update of step 1 is 0\.200 × the reference's: look at the learning rate$/],
    ['wpe is frozen', /^the update of step 1 is zero in wpe$/],
    ['parameters are shown as they started', /^no parameter moves in step 1/],
    [
      'the last position of a full block is dropped',
      /^the loss of step 2 is 0\.\d+ × the reference's, computed from the row's own/,
    ],
    ['rmsnorm subtracts the mean', /^the first loss is 1\.\d+ × the reference's: look at the forward pass$/],
  ] as const)('%s', (fault, expected) => {
    expect(wrong(() => ({}), [fault])).toMatch(expected);
  });
});

describe('a number format', () => {
  test('is named only where every parameter is of it', () => {
    const format = (fault: Fault) => diagnose(evidenceOf([fault]), 'float64');
    expect(format('parameters are in float32')).toEqual([
      'every parameter is a float32 number, where impl.json declares float64',
    ]);
    expect(format('parameters are in bfloat16')).toEqual([
      'every parameter is a bfloat16 number, where impl.json declares float64',
    ]);
    expect(format('losses are shown as float32')).toEqual([
      'every loss is a float32 number, where impl.json declares float64',
    ]);
  });
});

test('a right trainer is said to have nothing, whatever its arithmetic', () => {
  for (const arithmetic of rightArithmetics) {
    expect(diagnose(evidenceOf([], { arithmetic }), arithmetic.precision)).toEqual([]);
  }
});

test.each([
  'scores are not scaled',
  'no bias correction',
  'β2 is 0.999',
  'a repeated token overwrites its gradient',
] as const)('in float32, and without a gradient to look at, "%s" has its name too', (fault) => {
  const sentences = diagnose(evidenceOf([fault], { arithmetic: float32, showsGradient: false }), 'float32');
  expect(namesIn(sentences)).toEqual([names[fault]]);
});

describe('a trainer that follows the rules of a suspect is called by its name', () => {
  const own = suspects(task.model).filter(
    ({ reads, writes, writesGradients, rules }) =>
      reads === undefined && writes === undefined && writesGradients === undefined && rules.softmaxSubtractsMaximum,
  );

  test.each(own)('$fault', ({ fault, rules }) => {
    const trainer = rulesTrainer(task, rules);
    const losses: number[] = [];
    const parametersAfter: Float64Array[] = [];
    for (let step = 0; step < STEPS; step++) {
      losses.push(trainer.step());
      parametersAfter.push(trainer.parameters.slice());
    }
    const [sentence = ''] = diagnose({ task, losses: Float64Array.from(losses), parametersAfter }, 'float64');
    expect(sentence.slice(FOUND.length).split(', or when ')).toContain(fault);
  });
});
