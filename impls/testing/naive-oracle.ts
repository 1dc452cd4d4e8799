import type { ModelConfig, Trainer, TrainingTask } from '../contract.ts';

/**
 * For tests only: the whole algorithm in its simplest form, with arrays of arrays. It need not be fast.
 * It shares no code with any implementation, so no fault can be in both for that reason.
 */

type Vector = number[];
/** A list of rows. */
type Matrix = number[][];

interface Layer {
  readonly attnWq: Matrix;
  readonly attnWk: Matrix;
  readonly attnWv: Matrix;
  readonly attnWo: Matrix;
  readonly mlpFc1: Matrix;
  readonly mlpFc2: Matrix;
}

interface Weights {
  readonly wte: Matrix;
  readonly wpe: Matrix;
  readonly lmHead: Matrix;
  readonly layers: Layer[];
}

function unflatten(flat: ArrayLike<number>, { nEmbd, nLayer, blockSize, vocabSize }: ModelConfig): Weights {
  let offset = 0;
  const matrix = (rows: number, columns: number): Matrix =>
    Array.from({ length: rows }, () => Array.from({ length: columns }, () => flat[offset++]));
  return {
    wte: matrix(vocabSize, nEmbd),
    wpe: matrix(blockSize, nEmbd),
    lmHead: matrix(vocabSize, nEmbd),
    layers: Array.from({ length: nLayer }, () => ({
      attnWq: matrix(nEmbd, nEmbd),
      attnWk: matrix(nEmbd, nEmbd),
      attnWv: matrix(nEmbd, nEmbd),
      attnWo: matrix(nEmbd, nEmbd),
      mlpFc1: matrix(4 * nEmbd, nEmbd),
      mlpFc2: matrix(nEmbd, 4 * nEmbd),
    })),
  };
}

function flatten({ wte, wpe, lmHead, layers }: Weights): Vector {
  const ofLayers = layers.flatMap((l) => [l.attnWq, l.attnWk, l.attnWv, l.attnWo, l.mlpFc1, l.mlpFc2]);
  return [wte, wpe, lmHead, ...ofLayers].flat(2);
}

const dot = (a: Vector, b: Vector) => a.reduce((sum, value, i) => sum + value * b[i], 0);
const plus = (a: Vector, b: Vector) => a.map((value, i) => value + b[i]);
const apply = (w: Matrix, x: Vector) => w.map((row) => dot(row, x));
const applyTransposed = (w: Matrix, y: Vector) => w[0].map((_, i) => w.reduce((sum, row, o) => sum + row[i] * y[o], 0));

function addOuter(dw: Matrix, dy: Vector, x: Vector): void {
  dw.forEach((row, o) => {
    row.forEach((_, i) => {
      row[i] += dy[o] * x[i];
    });
  });
}

function addTo(sum: Vector, values: Vector): void {
  values.forEach((value, i) => {
    sum[i] += value;
  });
}

const rmsScale = (x: Vector) => (dot(x, x) / x.length + 1e-5) ** -0.5;
const rmsnorm = (x: Vector) => x.map((value) => value * rmsScale(x));
const rmsnormGradient = (x: Vector, dy: Vector) => {
  const s = rmsScale(x);
  return x.map((value, i) => s * dy[i] - (s ** 3 * value * dot(x, dy)) / x.length);
};

function softmax(x: Vector): Vector {
  const exponentials = x.map((value) => Math.exp(value - Math.max(...x)));
  const total = exponentials.reduce((a, b) => a + b);
  return exponentials.map((value) => value / total);
}

/** Adds `share` of one document's loss to the gradient, and returns that loss: the mean over its positions. */
function documentLoss(
  tokens: ArrayLike<number>,
  w: Weights,
  { nEmbd, nHead }: ModelConfig,
  dw: Weights,
  share: number,
): number {
  const n = tokens.length - 1;
  const heads = Array.from({ length: nHead }, (_, h) => [(h * nEmbd) / nHead, ((h + 1) * nEmbd) / nHead] as const);
  const root = Math.sqrt(nEmbd / nHead);
  const positions = Array.from({ length: n }, (_, t) => t);
  const zeros = (): Matrix => positions.map(() => new Array(nEmbd).fill(0));

  const sums = positions.map((t) => plus(w.wte[tokens[t]], w.wpe[t]));
  let x = sums.map(rmsnorm);
  const traces = w.layers.map((layer) => {
    const input = x;
    const a = input.map(rmsnorm);
    const q = a.map((row) => apply(layer.attnWq, row));
    const k = a.map((row) => apply(layer.attnWk, row));
    const v = a.map((row) => apply(layer.attnWv, row));
    const attention = positions.map((t) =>
      heads.map(([from, to]) =>
        softmax(positions.slice(0, t + 1).map((j) => dot(q[t].slice(from, to), k[j].slice(from, to)) / root)),
      ),
    );
    const out = positions.map((t) =>
      heads.flatMap(([from, to], h) =>
        attention[t][h].reduce(
          (sum, p, j) =>
            plus(
              sum,
              v[j].slice(from, to).map((value) => p * value),
            ),
          new Array(to - from).fill(0),
        ),
      ),
    );
    const middle = positions.map((t) => plus(apply(layer.attnWo, out[t]), input[t]));
    const b = middle.map(rmsnorm);
    const before = b.map((row) => apply(layer.mlpFc1, row));
    const hidden = before.map((row) => row.map((value) => Math.max(0, value)));
    x = positions.map((t) => plus(apply(layer.mlpFc2, hidden[t]), middle[t]));
    return { input, a, q, k, v, attention, out, middle, b, before, hidden };
  });
  const probabilities = x.map((row) => softmax(apply(w.lmHead, row)));
  const loss = positions.reduce((sum, t) => sum - Math.log(probabilities[t][tokens[t + 1]]) / n, 0);

  let dx = positions.map((t) => {
    const dlogits = probabilities[t].map((p, token) => ((p - (token === tokens[t + 1] ? 1 : 0)) * share) / n);
    addOuter(dw.lmHead, dlogits, x[t]);
    return applyTransposed(w.lmHead, dlogits);
  });
  for (const [i, trace] of [...traces.entries()].reverse()) {
    const layer = w.layers[i];
    const dlayer = dw.layers[i];
    const dmiddle = positions.map((t) => {
      addOuter(dlayer.mlpFc2, dx[t], trace.hidden[t]);
      const dbefore = applyTransposed(layer.mlpFc2, dx[t]).map((value, j) => (trace.before[t][j] > 0 ? value : 0));
      addOuter(dlayer.mlpFc1, dbefore, trace.b[t]);
      return plus(dx[t], rmsnormGradient(trace.middle[t], applyTransposed(layer.mlpFc1, dbefore)));
    });
    const [dq, dk, dv] = [zeros(), zeros(), zeros()];
    for (const t of positions) {
      addOuter(dlayer.attnWo, dmiddle[t], trace.out[t]);
      const dout = applyTransposed(layer.attnWo, dmiddle[t]);
      for (const [h, [from, to]] of heads.entries()) {
        const p = trace.attention[t][h];
        const dp = p.map((_, j) => dot(dout.slice(from, to), trace.v[j].slice(from, to)));
        for (let j = 0; j <= t; j++) {
          const dscore = (p[j] * (dp[j] - dot(p, dp))) / root;
          for (let c = from; c < to; c++) {
            dq[t][c] += dscore * trace.k[j][c];
            dk[j][c] += dscore * trace.q[t][c];
            dv[j][c] += p[j] * dout[c];
          }
        }
      }
    }
    dx = positions.map((t) => {
      addOuter(dlayer.attnWq, dq[t], trace.a[t]);
      addOuter(dlayer.attnWk, dk[t], trace.a[t]);
      addOuter(dlayer.attnWv, dv[t], trace.a[t]);
      const da = [
        applyTransposed(layer.attnWq, dq[t]),
        applyTransposed(layer.attnWk, dk[t]),
        applyTransposed(layer.attnWv, dv[t]),
      ].reduce(plus);
      return plus(dmiddle[t], rmsnormGradient(trace.input[t], da));
    });
  }
  for (const t of positions) {
    const dsum = rmsnormGradient(sums[t], dx[t]);
    addTo(dw.wte[tokens[t]], dsum);
    addTo(dw.wpe[t], dsum);
  }
  return loss;
}

/** Loss of step `step` at `parameters`, and its gradient in the same order; step 0 begins with `firstDocument`. */
export function naiveLossAndGradients(
  task: TrainingTask,
  parameters: ArrayLike<number>,
  step: number,
  firstDocument = 0,
): { loss: number; gradients: Vector } {
  const { model, tokens, offsets, batch } = task;
  const weights = unflatten(parameters, model);
  const gradients = unflatten(new Float64Array(parameters.length), model);
  let loss = 0;
  for (let i = 0; i < batch; i++) {
    const document = (firstDocument + step * batch + i) % (offsets.length - 1);
    const ids = tokens.subarray(offsets[document], offsets[document + 1]);
    loss += documentLoss(ids, weights, model, gradients, 1 / batch) / batch;
  }
  return { loss, gradients: flatten(gradients) };
}

/** The oracle as a trainer. */
export function createNaiveTrainer(task: TrainingTask): Required<Omit<Trainer, 'buildNanoseconds' | 'close'>> {
  let p = [...task.parameters];
  let m = p.map(() => 0);
  let v = p.map(() => 0);
  let start = 0;
  let step = 0;
  const oneStep = (): number => {
    const { loss, gradients: g } = naiveLossAndGradients(task, p, step, start);
    const learningRate = task.learningRate * (1 - step / task.numSteps);
    m = m.map((value, i) => 0.85 * value + 0.15 * g[i]);
    v = v.map((value, i) => 0.99 * value + 0.01 * g[i] ** 2);
    step++;
    p = p.map((value, i) => {
      const mHat = m[i] / (1 - 0.85 ** step);
      const vHat = v[i] / (1 - 0.99 ** step);
      return value - (learningRate * mHat) / (Math.sqrt(vHat) + 1e-8);
    });
    return loss;
  };
  return {
    train: (steps) => Float64Array.from({ length: steps }, oneStep),
    reset(firstDocument) {
      p = [...task.parameters];
      m = p.map(() => 0);
      v = p.map(() => 0);
      start = firstDocument;
      step = 0;
    },
    parameters: () => Float64Array.from(p),
    gradients: () => Float64Array.from(naiveLossAndGradients(task, p, step, start).gradients),
  };
}
