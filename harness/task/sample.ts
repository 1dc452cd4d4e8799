import type { ModelConfig } from '../../impls/contract.ts';
import { parameterLayout } from './parameter-layout.ts';
import type { PythonRandom } from './python-random.ts';
import type { PreparedTask } from './task.ts';

/** `[rows][columns]` */
type Matrix = readonly Float64Array[];
type Matrices = ReadonlyMap<string, Matrix>;
/** Keys and values of earlier positions, `[positions][nEmbd]` each, one pair a layer. */
type Cache = readonly { readonly keys: Float64Array[]; readonly values: Float64Array[] }[];

/**
 * What a trained model invents: `count` documents, drawn from Python's generator as it stands after the parameters were drawn.
 * In float64 and in the reference's order of operations, so that its parameters give its samples.
 */
export function drawSamples(
  task: PreparedTask,
  parameters: Float64Array,
  count: number = 20,
  temperature: number = 0.5,
): string[] {
  const matrices = cutIntoMatrices(task.training.model, parameters);
  const random = task.randomAfterInit();
  return Array.from({ length: count }, () => drawSample(task, matrices, random, temperature));
}

function drawSample(task: PreparedTask, matrices: Matrices, random: PythonRandom, temperature: number): string {
  const { model } = task.training;
  const bos = model.vocabSize - 1;
  const cache: Cache = Array.from({ length: model.nLayer }, () => ({ keys: [], values: [] }));
  let token = bos;
  let text = '';
  for (let position = 0; position < model.blockSize; position++) {
    const logits = logitsOfNext(model, matrices, token, position, cache);
    token = random.choices(softmax(logits.map((logit) => logit * (1 / temperature))));
    if (token === bos) break;
    text += task.characters[token];
  }
  return text;
}

/** Logits `[vocabSize]` of the token after `token`; puts this position's keys and values into the cache. */
function logitsOfNext(
  model: ModelConfig,
  matrices: Matrices,
  token: number,
  position: number,
  cache: Cache,
): Float64Array {
  const matrix = (name: string): Matrix => {
    const found = matrices.get(name);
    if (found === undefined) throw new Error(`The parameter layout has no matrix ${name}.`);
    return found;
  };
  let x = rmsnorm(add(matrix('wte')[token], matrix('wpe')[position]));
  for (const [i, { keys, values }] of cache.entries()) {
    const normed = rmsnorm(x);
    keys.push(linear(normed, matrix(`layer${i}.attn_wk`)));
    values.push(linear(normed, matrix(`layer${i}.attn_wv`)));
    const attended = attention(linear(normed, matrix(`layer${i}.attn_wq`)), keys, values, model.nHead);
    x = add(linear(attended, matrix(`layer${i}.attn_wo`)), x);

    const hidden = linear(rmsnorm(x), matrix(`layer${i}.mlp_fc1`)).map((h) => Math.max(0, h));
    x = add(linear(hidden, matrix(`layer${i}.mlp_fc2`)), x);
  }
  return linear(x, matrix('lm_head'));
}

/** What a position with query `q` `[nEmbd]` reads from all positions in the cache. */
function attention(q: Float64Array, keys: Matrix, values: Matrix, nHead: number): Float64Array {
  const headDim = q.length / nHead;
  const out = new Float64Array(q.length);
  for (let start = 0; start < q.length; start += headDim) {
    const head = (x: Float64Array) => x.subarray(start, start + headDim);
    const scores = Float64Array.from(keys, (k) => dot(head(q), head(k)) * (1 / Math.sqrt(headDim)));
    const weights = softmax(scores);
    for (let j = start; j < start + headDim; j++) {
      out[j] = dot(
        weights,
        Float64Array.from(values, (v) => v[j]),
      );
    }
  }
  return out;
}

function softmax(logits: Float64Array): Float64Array {
  const largest = logits.reduce((a, b) => Math.max(a, b));
  const exps = logits.map((logit) => Math.exp(logit - largest));
  const scale = 1 / exps.reduce((sum, e) => sum + e);
  return exps.map((e) => e * scale);
}

function rmsnorm(x: Float64Array): Float64Array {
  const scale = (dot(x, x) * (1 / x.length) + 1e-5) ** -0.5;
  return x.map((xi) => xi * scale);
}

function linear(x: Float64Array, w: Matrix): Float64Array {
  return Float64Array.from(w, (row) => dot(row, x));
}

function add(a: Float64Array, b: Float64Array): Float64Array {
  return a.map((ai, i) => ai + b[i]);
}

function dot(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i] * b[i];
  return sum;
}

function cutIntoMatrices(model: ModelConfig, parameters: Float64Array): Matrices {
  return new Map(
    parameterLayout(model).map(({ name, rows, columns, offset }) => [
      name,
      Array.from({ length: rows }, (_, r) => parameters.subarray(offset + r * columns, offset + (r + 1) * columns)),
    ]),
  );
}
