import type { Trainer, TrainingTask } from '../../impls/contract.ts';
import { type ParameterMatrix, parameterLayout } from '../task/parameter-layout.ts';
import { type Arithmetic, float64 } from './arithmetic.ts';
import type { Fault } from './faults.ts';

interface Weights {
  readonly values: Float64Array;
  readonly gradient: Float64Array;
  readonly rows: number;
  readonly columns: number;
}

/** `[positions][size]` */
type Vectors = readonly Float64Array[];

/**
 * For tests only: a trainer in any arithmetic, right or with faults. It shares no code with what it is judged by, and is written
 * vector by vector, as a first attempt would be.
 */
export function createPlainTrainer(
  task: TrainingTask,
  arithmetic: Arithmetic = float64,
  faults: readonly Fault[] = [],
): Required<Omit<Trainer, 'buildNanoseconds' | 'close'>> {
  return new PlainTrainer(task, arithmetic, new Set(faults));
}

class PlainTrainer {
  readonly #task: TrainingTask;
  readonly #arithmetic: Arithmetic;
  readonly #has: (fault: Fault) => boolean;
  readonly #layout: readonly ParameterMatrix[];
  readonly #parameters: Float64Array;
  readonly #gradient: Float64Array;
  readonly #lastGradient: Float64Array;
  readonly #m: Float64Array;
  readonly #v: Float64Array;
  readonly #highest: Float64Array;
  readonly #weights: ReadonlyMap<string, Weights>;
  /** Rows of wte and wpe that this step's documents reached. */
  readonly #reached = new Set<string>();
  #step = 0;
  #firstDocument = 0;

  constructor(task: TrainingTask, arithmetic: Arithmetic, faults: ReadonlySet<Fault>) {
    this.#task = task;
    this.#arithmetic = arithmetic;
    this.#has = (fault) => faults.has(fault);
    this.#layout = parameterLayout(task.model);
    const count = task.parameters.length;
    this.#parameters = new Float64Array(count);
    [this.#gradient, this.#lastGradient, this.#m, this.#v, this.#highest] = [0, 1, 2, 3, 4].map(
      () => new Float64Array(count),
    );
    this.#weights = new Map(
      this.#layout.map(({ name, rows, columns, offset }) => [
        name,
        {
          values: this.#parameters.subarray(offset, offset + rows * columns),
          gradient: this.#gradient.subarray(offset, offset + rows * columns),
          rows,
          columns,
        },
      ]),
    );
    this.#startParameters();
  }

  train(steps: number): Float64Array {
    return Float64Array.from({ length: steps }, (_, i) => this.#trainStep(i === steps - 1));
  }

  reset(firstDocument: number): void {
    if (!this.#has('reset keeps the parameters')) this.#startParameters();
    if (!this.#has('reset keeps the first moments')) this.#m.fill(0);
    if (!this.#has('reset keeps the second moments')) this.#v.fill(0);
    this.#highest.fill(0);
    this.#lastGradient.fill(0);
    if (!this.#has('reset keeps the step')) this.#step = 0;
    this.#firstDocument = this.#has('reset always begins with document 0') ? 0 : firstDocument;
    if (this.#has('reset begins one document late')) this.#firstDocument++;
  }

  parameters(): Float64Array {
    const shown = this.#parameters.slice();
    if (this.#has('parameters are shown with wq and wk exchanged')) {
      const [q, k] = this.#layout.filter(({ name }) => /layer0\.attn_w[qk]/.test(name));
      shown.set(this.#parameters.subarray(k.offset, k.offset + k.rows * k.columns), q.offset);
      shown.set(this.#parameters.subarray(q.offset, q.offset + q.rows * q.columns), k.offset);
    }
    if (this.#has('parameters are shown as they started')) shown.set(this.#task.parameters);
    return shown;
  }

  gradients(): Float64Array {
    const kept = this.#gradient.slice();
    this.#batchGradient();
    const gradient = this.#gradient.slice();
    this.#gradient.set(kept);
    return gradient;
  }

  #startParameters(): void {
    const { round } = this.#arithmetic;
    for (const [i, start] of this.#task.parameters.entries()) this.#parameters[i] = round(start);
    if (this.#has('start parameters are read column by column')) {
      const { values, rows, columns } = this.#matrix('layer0.mlp_fc1');
      const read = values.slice();
      for (let i = 0; i < values.length; i++) values[i] = read[(i % columns) * rows + Math.floor(i / columns)];
    }
  }

  #matrix(name: string): Weights {
    const found = this.#weights.get(name);
    if (found === undefined) throw new Error(`no matrix ${name}`);
    return found;
  }

  #trainStep(isLast: boolean): number {
    const loss = this.#batchGradient();
    const isLeftOut = this.#has('the last update of every call is left out') && isLast;
    if (!isLeftOut) this.#update();
    this.#step++;
    if (this.#has('losses are shown as float32')) return Math.fround(loss);
    return loss;
  }

  #batchGradient(): number {
    const { tokens, offsets, batch } = this.#task;
    const { round } = this.#arithmetic;
    const documents = offsets.length - 1;
    if (!this.#has('gradients are never zeroed')) this.#gradient.fill(0);
    this.#reached.clear();
    const members: Int32Array[] = [];
    for (let b = 0; b < batch; b++) {
      let at = this.#firstDocument + this.#step * batch + b;
      if (this.#has('a batch takes documents s, s + 1, …')) at = this.#firstDocument + this.#step + b;
      if (this.#has('documents are off by one')) at++;
      let d = at % documents;
      if (this.#has('the last document comes again and again')) d = Math.min(at, documents - 1);
      if (this.#has('the last document is never reached')) d = at % Math.max(1, documents - 1);
      if (this.#has('a batch never wraps around') && batch > 1 && at >= documents) d = documents - 1;
      let document = tokens.subarray(offsets[d], offsets[d + 1]);
      if (this.#has('documents are cut one early') && document.length > 2) document = document.subarray(0, -1);
      if (this.#has('the first token is skipped') && document.length > 2) document = document.subarray(1);
      members.push(document);
    }
    if (this.#has('all but the first document of a batch are left out')) members.length = 1;
    if (this.#has('the last document of a batch is left out') && members.length > 1) members.pop();
    const positions = members.reduce((sum, document) => sum + document.length - 1, 0);
    let loss = 0;
    for (const document of members) {
      let share = 1 / members.length;
      if (this.#has('a batch is averaged over its positions')) share = (document.length - 1) / positions;
      if (this.#has('a batch is summed')) share = 1;
      loss = round(loss + round(this.#document(document, share) * share));
    }
    return loss;
  }

  /** Adds `share` of the gradient of a document's loss, and returns that loss. */
  #document(tokens: Int32Array, share: number): number {
    const { nEmbd, nLayer, blockSize } = this.#task.model;
    const { round } = this.#arithmetic;
    const has = this.#has;
    const n = tokens.length - 1;
    const [wte, wpe, lmHead] = ['wte', 'wpe', 'lm_head'].map((name) => this.#matrix(name));
    const positionOf = (t: number): number => {
      if (has('positions are counted from 1')) return (t + 1) % blockSize;
      if (has('positions are counted from the end')) return n - 1 - t;
      return t;
    };
    const sums = Array.from({ length: n }, (_, t) =>
      Float64Array.from({ length: nEmbd }, (_, i) => {
        const position = has('there are no position embeddings') ? 0 : wpe.values[positionOf(t) * nEmbd + i];
        return round(wte.values[tokens[t] * nEmbd + i] + position);
      }),
    );
    const noEmbeddingNorm = has('no norm after the embeddings');
    let x: Vectors = noEmbeddingNorm ? sums : sums.map((sum) => this.#rmsnorm(sum));
    const backwards: ((dx: Vectors) => Vectors)[] = [];
    for (let layer = 0; layer < nLayer; layer++) {
      const attention = this.#attentionBlock(x, layer);
      const mlp = this.#mlpBlock(attention.y, layer);
      backwards.unshift(mlp.backward, attention.backward);
      x = mlp.y;
    }
    const beforeHead = x;
    if (has('a norm before lm_head')) x = x.map((row) => this.#rmsnorm(row));
    const head = has('lm_head is tied to wte') ? wte : lmHead;
    const logits = this.#linear(head, x);
    const { loss, dlogits } = this.#crossEntropy(logits, tokens, share);
    let dx = this.#linearBackward(head, x, dlogits);
    if (has('a norm before lm_head')) dx = dx.map((row, t) => this.#rmsnormBackward(beforeHead[t], row));
    for (const backward of backwards) dx = backward(dx);
    const dsums = noEmbeddingNorm ? dx : dx.map((row, t) => this.#rmsnormBackward(sums[t], row));
    for (let t = 0; t < n; t++) {
      const repeats = has('a repeated token overwrites its gradient');
      const isLost =
        has('tokens of high ids get no gradient') && tokens[t] >= Math.floor(0.75 * this.#task.model.vocabSize);
      const firstOnly = has('a repeated token counts once') && tokens.indexOf(tokens[t]) < t;
      for (let i = 0; i < nEmbd; i++) {
        const at = tokens[t] * nEmbd + i;
        if (!isLost && !firstOnly) wte.gradient[at] = round((repeats ? 0 : wte.gradient[at]) + dsums[t][i]);
        if (has('there are no position embeddings')) continue;
        const place = positionOf(t) * nEmbd + i;
        const before = has('a later document of a batch overwrites positions') ? 0 : wpe.gradient[place];
        wpe.gradient[place] = round(before + dsums[t][i]);
      }
      this.#reached.add(`wte ${tokens[t]}`).add(`wpe ${positionOf(t)}`);
    }
    return loss;
  }

  #attentionBlock(x: Vectors, layer: number): { y: Vectors; backward: (dy: Vectors) => Vectors } {
    const { nEmbd, nHead: heads, blockSize } = this.#task.model;
    const { round, dot, exp } = this.#arithmetic;
    const has = this.#has;
    const n = x.length;
    const nHead = has('all heads are one') ? 1 : heads;
    const size = nEmbd / nHead;
    const [wq, wk, wv, wo] = ['wq', 'wk', 'wv', 'wo'].map((name) => this.#matrix(`layer${layer}.attn_${name}`));
    const norm = has('no norm before attention') ? x : x.map((row) => this.#rmsnorm(row));
    const q = this.#linear(has('wq and wk are exchanged') ? wk : wq, norm);
    const k = this.#linear(has('wq and wk are exchanged') ? wq : wk, norm);
    const v = this.#linear(has('values are keys') ? wk : wv, norm);
    let scale = round(1 / Math.sqrt(size));
    if (has('scores are not scaled')) scale = 1;
    if (has('scores are divided by head_dim')) scale = 1 / size;
    if (has('scores are divided by sqrt(n_embd)')) scale = round(1 / Math.sqrt(nEmbd));
    // Feature i of head h.
    const start = (h: number) => (has('features are dealt out to heads in turn') ? h : h * size);
    const stride = has('features are dealt out to heads in turn') ? nHead : 1;
    const features = (h: number) => Array.from({ length: size }, (_, i) => start(h) + i * stride);
    const out = x.map(() => new Float64Array(nEmbd));
    const attention: Float64Array[][] = [];
    for (let h = 0; h < nHead; h++) {
      attention.push(
        Array.from({ length: n }, (_, t) => {
          let seen = has('positions see later ones') ? n : t + 1;
          if (has('a position does not see itself') && t > 0) seen = t;
          const scores = Float64Array.from({ length: seen }, (_, j) => {
            const product = dot(q[t], start(h), stride, k[j], start(h), stride, size);
            return round(product * scale);
          });
          const largest = has('attention does not subtract the maximum') ? 0 : Math.max(...scores);
          let weights = scores.map((score) => exp(round(score - largest)));
          let total = this.#sum(weights);
          if (has('softmax counts positions that are not there'))
            total = round(total + (blockSize - seen) * exp(-largest));
          weights = weights.map((weight) => round(weight / total));
          if (has('attention weights are in bfloat16')) weights = weights.map(bfloat16);
          for (const i of features(h)) {
            const column = Float64Array.from({ length: seen }, (_, j) => v[j][i]);
            out[t][i] = dot(weights, 0, 1, column, 0, 1, seen);
          }
          return weights;
        }),
      );
    }
    const projected = has('wo is left out') ? out : this.#linear(wo, out);
    const y = has('no residual around attention') ? projected : projected.map((row, t) => this.#add(row, x[t]));
    const backward = (dy: Vectors): Vectors => {
      const dout = has('wo is left out') ? dy : this.#linearBackward(wo, out, dy);
      const [dq, dk, dv] = [0, 1, 2].map(() => x.map(() => new Float64Array(nEmbd)));
      for (let h = 0; h < nHead; h++) {
        if (has('the last head gets no gradient') && h === nHead - 1 && nHead > 1) continue;
        for (let t = 0; t < n; t++) {
          const weights = attention[h][t];
          const dweights = weights.map((_, j) => dot(dout[t], start(h), stride, v[j], start(h), stride, size));
          const mean = has('softmax backward without its mean')
            ? 0
            : dot(weights, 0, 1, dweights, 0, 1, weights.length);
          for (let j = 0; j < weights.length; j++) {
            const backScale = has('backward forgets the scale of scores') ? 1 : scale;
            const dscore = round(round(weights[j] * round(dweights[j] - mean)) * backScale);
            const isEarlier = j !== t;
            const isFar = has('keys more than 2 back get no gradient') && t - j > 2;
            for (const i of features(h)) {
              dq[t][i] = round(dq[t][i] + round(dscore * k[j][i]));
              if (!isFar && !(isEarlier && has('earlier keys get no gradient')))
                dk[j][i] = round(dk[j][i] + round(dscore * q[t][i]));
              if (!(isEarlier && has('earlier values get no gradient')))
                dv[j][i] = round(dv[j][i] + round(weights[j] * dout[t][i]));
            }
          }
        }
      }
      if (has('queries get no gradient')) for (const row of dq) row.fill(0);
      if (has('keys get no gradient')) for (const row of dk) row.fill(0);
      if (has('values get no gradient')) for (const row of dv) row.fill(0);
      const parts = [
        this.#linearBackward(has('wq and wk are exchanged') ? wk : wq, norm, dq),
        this.#linearBackward(has('wq and wk are exchanged') ? wq : wk, norm, dk),
        this.#linearBackward(has('values are keys') ? wk : wv, norm, dv),
      ];
      if (has('dx of the values is lost')) parts.pop();
      return x.map((row, t) => {
        const dnorm = parts.map((part) => part[t]).reduce((a, b) => this.#add(a, b));
        const branch = has('no norm before attention') ? dnorm : this.#rmsnormBackward(row, dnorm);
        const isLost = has('no residual around attention') || has('backward forgets the residual around attention');
        return isLost ? branch : this.#add(dy[t], branch);
      });
    };
    return { y, backward };
  }

  #mlpBlock(x: Vectors, layer: number): { y: Vectors; backward: (dy: Vectors) => Vectors } {
    const { round } = this.#arithmetic;
    const has = this.#has;
    const [fc1, fc2] = ['mlp_fc1', 'mlp_fc2'].map((name) => this.#matrix(`layer${layer}.${name}`));
    const norm = has('no norm before the MLP') ? x : x.map((row) => this.#rmsnorm(row));
    const before = this.#linear(fc1, norm);
    const activated = before.map((row) => row.map((value) => round(this.#activation(value))));
    const projected = this.#linear(fc2, activated);
    const y = has('no residual around the MLP') ? projected : projected.map((row, t) => this.#add(row, x[t]));
    const backward = (dy: Vectors): Vectors => {
      if (has('only the last layer learns') && layer < this.#task.model.nLayer - 1) return dy;
      const dactivated = this.#linearBackward(fc2, activated, dy);
      const dbefore = dactivated.map((row, t) => row.map((d, i) => round(d * this.#derivative(before[t][i]))));
      const dnorm = this.#linearBackward(fc1, norm, dbefore);
      return x.map((row, t) => {
        const branch = has('no norm before the MLP') ? dnorm[t] : this.#rmsnormBackward(row, dnorm[t]);
        const isLost = has('no residual around the MLP') || has('backward forgets the residual around the MLP');
        return isLost ? branch : this.#add(dy[t], branch);
      });
    };
    return { y, backward };
  }

  #activation(x: number): number {
    if (this.#has('relu leaks')) return x > 0 ? x : 0.01 * x;
    if (this.#has('relu is squared')) return Math.max(0, x) ** 2;
    if (this.#has('relu is gelu')) return (x / 2) * (1 + Math.tanh(GELU * (x + 0.044715 * x ** 3)));
    if (this.#has('relu is silu')) return x / (1 + Math.exp(-x));
    if (this.#has('relu is capped at 6')) return Math.min(6, Math.max(0, x));
    return Math.max(0, x);
  }

  #derivative(x: number): number {
    if (this.#has('relu leaks')) return x > 0 ? 1 : 0.01;
    if (this.#has('relu is squared')) return 2 * Math.max(0, x);
    if (this.#has('relu is gelu') || this.#has('relu is silu'))
      return (this.#activation(x + 1e-6) - this.#activation(x - 1e-6)) / 2e-6;
    if (this.#has('relu is capped at 6')) return x > 0 && x < 6 ? 1 : 0;
    if (this.#has("relu's derivative is 1 everywhere")) return 1;
    if (this.#has("relu's derivative is 1 at zero")) return x >= 0 ? 1 : 0;
    return x > 0 ? 1 : 0;
  }

  #crossEntropy(logits: Vectors, tokens: Int32Array, share: number): { loss: number; dlogits: Vectors } {
    const { round, exp } = this.#arithmetic;
    const { blockSize, vocabSize } = this.#task.model;
    const has = this.#has;
    const n = logits.length;
    let counted = n;
    if (has('the mean is taken over the block')) counted = blockSize;
    if (has('the last target is dropped') && n > 1) counted = n - 1;
    const smoothing = has('labels are smoothed') ? 0.01 : 0;
    let loss = 0;
    const dlogits = logits.map((row, t) => {
      const target = tokens[has('targets are the tokens themselves') ? t : t + 1];
      const largest = has('the loss does not subtract the maximum') ? 0 : Math.max(...row);
      const exps = row.map((logit) => exp(round(logit - largest)));
      const total = this.#sum(exps);
      const isDropped =
        (has('the last target is dropped') && n > 1 && t === n - 1) ||
        (has('the first target is dropped') && n > 1 && t === 0) ||
        (has('BOS is ignored as a target') && target === vocabSize - 1 && n > 1) ||
        (has('the last position of a full block is dropped') && n === blockSize && n > 1 && t === n - 1);
      if (isDropped) return row.map(() => 0);
      const p = exps.map((e) => round(e / total));
      let positionLoss = has('the loss is the logarithm of p')
        ? -Math.log(p[target] + 1e-10)
        : round(round(Math.log(total)) - round(row[target] - largest));
      if (has('the logarithm is of base 2')) positionLoss /= Math.LN2;
      loss = round(
        loss + round(positionLoss / (has('the loss is summed') || has('the shown loss is summed') ? 1 : counted)),
      );
      let weight = round(share / (has('the loss is summed') || has('the gradient is summed') ? 1 : counted));
      if (has('the gradient of the loss is of base 2')) weight /= Math.LN2;
      return p.map((value, token) => {
        const wanted = (token === target ? 1 - smoothing : 0) + smoothing / vocabSize;
        if (has('the target is not subtracted where p is small') && p[target] < 1e-3) return round(value * weight);
        return round(round(value - wanted) * weight);
      });
    });
    return { loss, dlogits };
  }

  #update(): void {
    const { round, sqrt } = this.#arithmetic;
    const has = this.#has;
    const { learningRate, numSteps, batch, model } = this.#task;
    const step = this.#step;
    const late = step >= 20;
    let beta1 = 0.85;
    let beta2 = 0.99;
    let epsilon = 1e-8;
    if (has('β1 is 0.9')) beta1 = 0.9;
    if (has('β1 is 0.851')) beta1 = 0.851;
    if (has('β1 is 0.9 from step 20 on') && late) beta1 = 0.9;
    if (has('β2 is 0.999')) beta2 = 0.999;
    if (has('β2 is 0.989')) beta2 = 0.989;
    if (has('β2 is 0.95')) beta2 = 0.95;
    if (has('β are swapped')) [beta1, beta2] = [beta2, beta1];
    if (has('ε is 1e-7')) epsilon = 1e-7;
    if (has('ε is 1e-9')) epsilon = 1e-9;
    if (has('ε is missing')) epsilon = 1e-300;
    let decay = 1 - step / numSteps;
    if (has('the rate is constant')) decay = 1;
    if (has('the rate decays one step early')) decay = 1 - (step + 1) / numSteps;
    if (has('the rate decays to zero one step late')) decay = 1 - step / (numSteps + 1);
    if (has('the rate follows a cosine')) decay = (1 + Math.cos((Math.PI * step) / numSteps)) / 2;
    if (has('the rate warms up')) decay *= Math.min(1, (step + 1) / 5);
    if (has('the rate decays to a tenth')) decay = 1 - (0.9 * step) / numSteps;
    if (has('the rate decays by documents')) decay = Math.max(0, 1 - (step * batch) / numSteps);
    if (has('the rate is 0.1% too large')) decay *= 1.001;
    if (has('the rate is divided by the batch')) decay /= batch;
    if (has('nothing is learnt from step 20 on') && late) decay = 0;
    const rate = round(learningRate * decay);
    let power = step + 1;
    if (has('bias correction is counted from 0')) power = step;
    if (has('bias correction is one step ahead')) power = step + 2;
    if (has('bias correction stays as in step 1')) power = 1;
    const correct1 = !(has('no bias correction') || has('no bias correction of m'));
    const correct2 = !(has('no bias correction') || has('no bias correction of v'));
    const correction1 = correct1 ? round(1 - beta1 ** power) : 1;
    const correction2 = correct2 ? round(1 - beta2 ** power) : 1;
    let norm = 0;
    if (has('the gradient is clipped to norm 1')) norm = Math.hypot(...this.#gradient);
    for (const { name, rows, columns, offset } of this.#layout) {
      for (let row = 0; row < rows; row++) {
        const isReached = this.#reached.has(`${name} ${row}`);
        if (has('rows of wte that no token chose are left out') && name === 'wte' && !isReached) continue;
        if (has('rows of wpe that no document reached are left out') && name === 'wpe' && !isReached) continue;
        if (has('the last row of lm_head is left out') && name === 'lm_head' && row === rows - 1) continue;
        if (has('wpe is frozen') && name === 'wpe') continue;
        for (let i = offset + row * columns; i < offset + (row + 1) * columns; i++) {
          let g = round(this.#gradient[i] + 0);
          if (has('entries without a gradient are left out') && g === 0) continue;
          if (has('columns beyond a multiple of 16 are left out') && i % columns >= columns - (columns % 16)) continue;
          if (has('rows beyond a multiple of 4 are left out') && name === 'lm_head' && row >= rows - (rows % 4))
            continue;
          if (norm > 1) g /= norm;
          if (has('the gradient is clipped to ±1')) g = Math.max(-1, Math.min(1, g));
          if (has('small gradients are flushed to zero') && Math.abs(g) < 1e-6) g = 0;
          if (has('gradients are in float16')) g = float16(g);
          if (has('weights decay through the gradient')) g += 1e-4 * this.#parameters[i];
          if (has('lm_head learns from the gradient of the step before') && name === 'lm_head') {
            [g, this.#lastGradient[i]] = [this.#lastGradient[i], g];
          }
          const oldM = this.#m[i];
          const m = round(round(beta1 * oldM) + round(round(1 - beta1) * g));
          const square = has('v averages |g|') ? Math.abs(g) : round(g * g);
          const ofV = has('v takes all of g²') ? 1 : round(1 - beta2);
          const v = round(round(beta2 * this.#v[i]) + round(ofV * square));
          this.#m[i] = m;
          this.#v[i] = v;
          let mean = round(m / correction1);
          if (has('the update takes m of the step before')) mean = round(oldM / correction1);
          if (has('the update looks ahead')) mean = round((beta1 * m + (1 - beta1) * g) / correction1);
          let variance = round(v / correction2);
          if (has('v never falls')) variance = this.#highest[i] = Math.max(this.#highest[i], variance);
          let root = round(sqrt(variance) + epsilon);
          if (has('ε stands inside the root')) root = sqrt(variance + epsilon);
          if (has('ε is added before the correction')) root = (Math.sqrt(v) + epsilon) / Math.sqrt(correction2);
          if (has('the root is approximate')) root *= 1 + 2 ** -12;
          let update = round(round(rate * mean) / root);
          if (has('plain gradient descent from step 2 on') && step > 0) update = rate * g;
          if (has('only the sign of m counts')) update = rate * Math.sign(mean);
          if (has('weights decay beside Adam')) update += rate * 0.01 * this.#parameters[i];
          let next = round(this.#parameters[i] - update);
          if (has('parameters are in float32')) next = Math.fround(next);
          if (has('parameters are in bfloat16')) next = bfloat16(next);
          this.#parameters[i] = next;
        }
      }
    }
    if (has('the second layer copies the first') && model.nLayer > 1) {
      this.#matrix('layer1.mlp_fc1').values.set(this.#matrix('layer0.mlp_fc1').values);
    }
  }

  #rmsnorm(x: Float64Array): Float64Array {
    const { round } = this.#arithmetic;
    const scale = this.#normScale(x);
    return x.map((value) => round(value * scale));
  }

  #normScale(x: Float64Array): number {
    const { round, dot, sqrt } = this.#arithmetic;
    const has = this.#has;
    let mean = round(dot(x, 0, 1, x, 0, 1, x.length) / x.length);
    if (has('rmsnorm subtracts the mean')) mean -= (x.reduce((sum, value) => sum + value, 0) / x.length) ** 2;
    let epsilon = 1e-5;
    if (has("rmsnorm's ε is 1e-6")) epsilon = 1e-6;
    if (has("rmsnorm's ε is 1e-8")) epsilon = 1e-8;
    if (has('rmsnorm has no ε')) epsilon = 0;
    if (has("rmsnorm's ε is outside the root")) return round(1 / round(sqrt(mean) + 1e-5));
    const scale = round(1 / sqrt(round(mean + epsilon)));
    return has('the reciprocal root is approximate') ? scale * (1 + 2 ** -14) : scale;
  }

  #rmsnormBackward(x: Float64Array, dy: Float64Array): Float64Array {
    const { round, dot } = this.#arithmetic;
    const scale = this.#normScale(x);
    if (this.#has("rmsnorm's scale is taken for a constant")) return dy.map((d) => round(d * scale));
    const y = x.map((value) => round(value * scale));
    const divisor = this.#has("rmsnorm's backward forgets to take the mean") ? 1 : x.length;
    const mean = round(dot(dy, 0, 1, y, 0, 1, x.length) / divisor);
    return dy.map((d, i) => round(scale * round(d - round(y[i] * mean))));
  }

  #linear({ values, rows, columns }: Weights, x: Vectors): Vectors {
    const { dot } = this.#arithmetic;
    return x.map((row) => {
      const y = new Float64Array(rows);
      for (let r = 0; r < rows; r++) y[r] = dot(values, r * columns, 1, row, 0, 1, columns);
      return y;
    });
  }

  #linearBackward({ values, gradient, rows, columns }: Weights, x: Vectors, dy: Vectors): Vectors {
    const { dot, round } = this.#arithmetic;
    const flat = new Float64Array(x.length);
    const out = new Float64Array(x.length);
    for (let r = 0; r < rows; r++) {
      for (let t = 0; t < dy.length; t++) out[t] = dy[t][r];
      if (out.every((d) => d === 0)) continue;
      for (let c = 0; c < columns; c++) {
        for (let t = 0; t < x.length; t++) flat[t] = x[t][c];
        gradient[r * columns + c] = round(gradient[r * columns + c] + dot(out, 0, 1, flat, 0, 1, x.length));
      }
    }
    return dy.map((row) => {
      const dx = new Float64Array(columns);
      for (let c = 0; c < columns; c++) dx[c] = dot(row, 0, 1, values, c, columns, rows);
      return dx;
    });
  }

  #add(a: Float64Array, b: Float64Array): Float64Array {
    return a.map((value, i) => this.#arithmetic.round(value + b[i]));
  }

  #sum(values: Float64Array): number {
    const { dot } = this.#arithmetic;
    return dot(values, 0, 1, new Float64Array(values.length).fill(1), 0, 1, values.length);
  }
}

/** √(2/π) */
const GELU = 0.7978845608028654;

/** Eight bits of significand. */
function bfloat16(value: number): number {
  const scaled = Math.fround(Math.fround(value) * (2 ** 16 + 1));
  return Math.fround(scaled - Math.fround(scaled - Math.fround(value)));
}

function float16(value: number): number {
  return Math.f16round(value);
}
