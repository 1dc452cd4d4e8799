import { updateStored } from './adam.ts';
import { attention, attentionGradient } from './attention.ts';
import { barrier } from './barrier.ts';
import { ConstantPool } from './constant-pool.ts';
import { crossEntropy } from './cross-entropy.ts';
import { embed, embedGradient } from './embedding.ts';
import { layout, undivided } from './layout.ts';
import {
  type Finish,
  linearForward,
  linearInputGradient,
  linearWeightGradient,
  overPositionVectors,
  type Shape,
} from './linear.ts';
import { type KernelRequest, type Stage, stages } from './request.ts';
import { rmsnorm, rmsnormGradient } from './rmsnorm.ts';
import { fromRows, toRows } from './transpose.ts';
import { vector } from './vector.ts';
import { call, FunctionWriter, i32 } from './wat.ts';

/**
 * A whole training step for the exact sizes of a task, as WebAssembly text. It exports `<stage>(positions) → loss` for the
 * stages it can be asked for, and `updateStored` and `barrier` for threads that divide a batch.
 */
export function kernelText(request: KernelRequest): string {
  const constants = new ConstantPool();
  const v = vector(request.precision, request.fused, constants);
  const division = request.division ?? undivided;
  const l = layout(request.model, v, request.batched, division);
  const { nEmbd, nHead, vocabSize } = l.model;
  const functions = new Map<string, string>();
  const define = (name: string, text: () => string): string => {
    if (!functions.has(name)) functions.set(name, text());
    return name;
  };

  /** This thread's part of a stage: `count` things from `from` on. Divided documents are whole to their thread. */
  const parts = division.by === 'rows' ? division.threads : 1;
  const part = division.by === 'rows' ? division.thread : 0;
  const share = (all: number, multiple: number): { from: number; count: number } => {
    const bound = (of: number) => Math.min(all, Math.round((all / multiple / parts) * of) * multiple);
    return { from: bound(part), count: (part === parts - 1 ? all : bound(part + 1)) - bound(part) };
  };

  define('embed', () => embed(v, l));
  define('embedGradient', () => embedGradient(v, l));
  define('rmsnorm', () => rmsnorm(v, l));
  define('rmsnormGradient', () => rmsnormGradient('rmsnormGradient', v, l, false));
  define('rmsnormGradient.residual', () => rmsnormGradient('rmsnormGradient.residual', v, l, true));
  const heads = share(nHead, 1);
  define('attention', () => attention(v, l, heads.count));
  define('attentionGradient', () => attentionGradient(v, l, heads.count));
  define('crossEntropy', () => crossEntropy(v, l));
  define('updateStored', () => updateStored(v, l));
  define('fromRows', () => fromRows('fromRows', v, l, nEmbd));
  if (division.threads > 1) define('barrier', () => barrier(l, division.threads));
  for (const stage of stagesOf(request)) define(stage, () => trainDocument(stage));

  const pages = Math.ceil(l.totalBytes / 65536);
  const memory =
    division.threads > 1
      ? `(import "host" "memory" (memory ${pages} ${pages} shared))`
      : `(memory (export "memory") ${pages} ${pages})`;
  return `(module ${memory} ${constants.segment()}\n${[...functions.values()].join('\n')})`;

  function trainDocument(stage: Stage): string {
    const f = new FunctionWriter(stage);
    const positions = f.parameter('i32', 'positions');
    const vectors = f.let(
      'i32',
      'vectors',
      `(i32.shr_u ${i32.add(positions.get, i32.constant(v.lanes - 1))} (i32.const ${Math.log2(v.lanes)}))`,
    );
    const [t, p] = [positions.get, vectors.get];
    const stream = (half: number): number => l.streams[half] ?? 0;
    const row = l.strideBytes;

    /** Work that is not divided: the first thread does it, the others wait at the next barrier. */
    const alone = (...statements: string[]) => {
      if (part === 0) for (const statement of statements) f.do(statement);
    };
    const together = () => {
      if (parts > 1) f.do(call('barrier'));
    };

    /** y = W x (+ extra): this thread's rows of y. */
    const forward = (shape: Shape, finish: Finish, w: number, x: number, y: number, extra = 0) => {
      const mine = share(shape.outputs, 4);
      if (mine.count === 0) return;
      const name = `linearForward.${mine.count}x${shape.inputs}.${finish}`;
      const tile = (vectors: number) =>
        define(`${name}.${vectors}`, () =>
          linearForward(`${name}.${vectors}`, v, l, { ...shape, outputs: mine.count }, vectors, finish),
        );
      define(name, () => overPositionVectors(name, v, tile));
      const down = mine.from * row;
      f.do(call(name, w + mine.from * shape.inputs * v.elementBytes, x, y + down, extra + down, p));
    };

    /** dx = Wᵀ dy: this thread's rows of dx. */
    const inputGradient = (shape: Shape, finish: Finish, w: number, dy: number, dx: number, extra = 0) => {
      const mine = share(shape.inputs, 4);
      if (mine.count === 0) return;
      const name = `linearInputGradient.${shape.outputs}x${mine.count}of${shape.inputs}.${finish}`;
      const tile = (vectors: number) =>
        define(`${name}.${vectors}`, () =>
          linearInputGradient(`${name}.${vectors}`, v, l, shape, mine.count, vectors, finish),
        );
      define(name, () => overPositionVectors(name, v, tile));
      const down = mine.from * row;
      f.do(call(name, w + mine.from * v.elementBytes, dy, dx + down, extra + down, p));
    };

    /** dW = dy xᵀ, and Adam: this thread's rows of W. */
    const weightGradient = (shape: Shape, w: number, dy: number, x: number) => {
      const mine = share(shape.outputs, 4);
      if (mine.count === 0) return;
      const name = `linearWeightGradient.${mine.count}x${shape.inputs}.${stage}`;
      const rows = `toRows.${shape.inputs}`;
      define(name, () => linearWeightGradient(name, v, l, { ...shape, outputs: mine.count }, stages[stage]));
      define(rows, () => toRows(rows, v, l, shape.inputs));
      f.do(call(rows, x, l.inputRows, p));
      f.do(call(name, w + mine.from * shape.inputs * v.elementBytes, dy + mine.from * row, l.inputRows, t));
    };

    const qkv: Shape = { outputs: 3 * nEmbd, inputs: nEmbd };
    const attnOut: Shape = { outputs: nEmbd, inputs: nEmbd };
    const fc1: Shape = { outputs: 4 * nEmbd, inputs: nEmbd };
    const fc2: Shape = { outputs: nEmbd, inputs: 4 * nEmbd };
    const head: Shape = { outputs: vocabSize, inputs: nEmbd };
    const headDown = (heads.from * nEmbd * row) / nHead;
    const headWeightsDown = heads.from * Math.ceil(l.model.blockSize / v.lanes) * v.lanes * row;

    together();
    alone(
      call('embed', t, p),
      call('fromRows', l.embeddingRows, l.embedding, p),
      call('rmsnorm', l.embedding, stream(0), l.embeddingNormScale, p),
    );
    for (const [i, layer] of l.layers.entries()) {
      alone(call('rmsnorm', stream(2 * i), layer.attnNorm, layer.attnNormScale, p));
      together();
      forward(qkv, 'plain', layer.attnWqkv, layer.attnNorm, layer.qkv);
      together();
      const { weights, weightScale } = layer;
      if (heads.count > 0)
        f.do(
          call(
            'attention',
            layer.qkv + headDown,
            weights + headWeightsDown,
            weightScale + heads.from * row,
            layer.attnOut + headDown,
            p,
          ),
        );
      together();
      forward(attnOut, 'residual', layer.attnWo, layer.attnOut, stream(2 * i + 1), stream(2 * i));
      together();
      alone(call('rmsnorm', stream(2 * i + 1), layer.mlpNorm, layer.mlpNormScale, p));
      together();
      forward(fc1, 'relu', layer.mlpFc1, layer.mlpNorm, layer.hidden);
      together();
      forward(fc2, 'residual', layer.mlpFc2, layer.hidden, stream(2 * i + 2), stream(2 * i + 1));
      together();
    }
    const final = stream(2 * l.layers.length);
    forward(head, 'plain', l.lmHead, final, l.logits);
    together();
    const loss = f.let('f64', 'loss', '(f64.const 0)');
    alone(`(local.set $${loss.name} ${call('crossEntropy', t, p)})`);
    together();

    // A matrix is updated once every thread has its part of the gradient that passes through it.
    inputGradient(head, 'plain', l.lmHead, l.logits, l.dStream);
    together();
    weightGradient(head, l.lmHead, l.logits, final);
    for (const layer of [...l.layers].reverse()) {
      inputGradient(fc2, 'relu-gradient', layer.mlpFc2, l.dStream, l.dHidden, layer.hidden);
      together();
      weightGradient(fc2, layer.mlpFc2, l.dStream, layer.hidden);
      inputGradient(fc1, 'plain', layer.mlpFc1, l.dHidden, l.dNorm);
      together();
      weightGradient(fc1, layer.mlpFc1, l.dHidden, layer.mlpNorm);
      alone(call('rmsnormGradient.residual', layer.mlpNorm, l.dNorm, layer.mlpNormScale, l.dStream, p));
      together();
      inputGradient(attnOut, 'plain', layer.attnWo, l.dStream, l.dAttnOut);
      together();
      weightGradient(attnOut, layer.attnWo, l.dStream, layer.attnOut);
      if (heads.count > 0)
        f.do(
          call(
            'attentionGradient',
            layer.qkv + headDown,
            layer.weights + headWeightsDown,
            layer.weightScale + heads.from * row,
            layer.attnOut + headDown,
            l.dAttnOut + headDown,
            l.dQkv + headDown,
            p,
          ),
        );
      together();
      inputGradient(qkv, 'plain', layer.attnWqkv, l.dQkv, l.dNorm);
      together();
      weightGradient(qkv, layer.attnWqkv, l.dQkv, layer.attnNorm);
      alone(call('rmsnormGradient.residual', layer.attnNorm, l.dNorm, layer.attnNormScale, l.dStream, p));
      together();
    }
    alone(
      call('rmsnormGradient', stream(0), l.dStream, l.embeddingNormScale, l.dNorm, p),
      call(`toRows.${nEmbd}`, l.dNorm, l.embeddingRows, p),
      call('embedGradient', t),
    );
    if (stages[stage].end === 'adam') {
      const vectors = ((vocabSize + l.model.blockSize) * nEmbd) / v.lanes;
      alone(call('updateStored', l.parameters, vectors));
    }
    together();
    f.do(loss.get);
    return f.text('f64');
  }
}

function stagesOf({ batched, division }: KernelRequest): Stage[] {
  if (!batched) return ['only'];
  return division?.by === 'documents' ? ['middle'] : ['first', 'middle', 'last'];
}
