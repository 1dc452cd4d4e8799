import type { Layout } from './layout.ts';
import type { Vector } from './vector.ts';
import { at, FunctionWriter, i32, type Local } from './wat.ts';

/**
 * `crossEntropy(positions, vectors)` → float64: softmax with cross-entropy over the vocabulary, forward and backward.
 * Per position, loss = ln Σ_k e^(z_k - max) + max - z_target; the result is the mean over positions. The logits z
 * `[vocabSize][position]` give way to their gradient, `(softmax(z) - onehot(target)) · lossScale`, zero in padding lanes.
 */
export function crossEntropy(v: Vector, l: Layout): string {
  const f = new FunctionWriter('crossEntropy');
  const [positions, vectors] = [f.parameter('i32', 'positions'), f.parameter('i32', 'vectors')];
  const { vocabSize } = l.model;
  const vectorBytes = v.lanes * v.elementBytes;
  const single = v.precision === 'float32';
  const scalar = single ? 'f32' : 'f64';
  const scalarLoad = (pointer: Local, offsetBytes = 0) => `(${scalar}.load offset=${offsetBytes} ${pointer.get})`;
  const toFloat64 = (value: string) => (single ? `(f64.promote_f32 ${value})` : value);

  const loss = f.let('f64', 'loss', '(f64.const 0)');
  const [target, column, place] = [f.local('i32', 'target'), f.local('i32', 'column'), f.local('i32', 'place')];
  /** Visits z[target of t][t] for every position t, its address in `place`. */
  const overTargets = (body: () => void) => {
    f.set(target, i32.constant(l.tokens + 4));
    f.set(column, i32.constant(0));
    f.loop(
      positions,
      [
        { pointer: target, bytes: 4 },
        { pointer: column, bytes: v.elementBytes },
      ],
      () => {
        f.set(place, i32.add(i32.mul(i32.load(at(target)), i32.constant(l.strideBytes)), column.get));
        body();
      },
    );
  };
  overTargets(() => f.set(loss, `(f64.sub ${loss.get} ${toFloat64(scalarLoad(place, l.logits))})`));

  const z = f.let('i32', 'z', i32.constant(l.logits));
  const logSumExp = f.let('i32', 'logSumExp', i32.constant(l.logSumExp));
  const position = f.let('v128', 'position', v.laneNumbers());
  const lossScale = f.let('v128', 'lossScale', v.splat(at(l.lossScale)));
  const zk = f.local('i32', 'zk');
  const overVocabulary = (unroll: number, body: (offsetBytes: number) => void) => {
    f.set(zk, z.get);
    f.unrolled(vocabSize, unroll, [{ pointer: zk, bytes: l.strideBytes }], (copy) => body(copy * l.strideBytes));
  };
  f.loop(
    vectors,
    [
      { pointer: z, bytes: vectorBytes },
      { pointer: logSumExp, bytes: vectorBytes },
    ],
    () => {
      const max = f.let('v128', 'max', v.load(at(z)));
      overVocabulary(9, (row) => f.set(max, v.max(max.get, v.load(at(zk, row)))));
      const sum = f.let('v128', 'sum', v.constant(0));
      overVocabulary(3, (row) => {
        const below = v.max(v.sub(v.load(at(zk, row)), max.get), v.constant(v.lowestExponent));
        const e = f.let('v128', 'e', v.exp(f, below));
        f.set(sum, v.add(sum.get, e.get));
        f.do(v.store(at(zk, row), e.get));
      });
      f.do(v.store(at(logSumExp), v.add(v.log(f, sum.get), max.get)));
      const real = v.greater(v.fromInteger(positions.get), position.get);
      const scale = f.let('v128', 'scale', v.where(real, v.div(lossScale.get, sum.get)));
      overVocabulary(9, (row) => f.do(v.store(at(zk, row), v.mul(v.load(at(zk, row)), scale.get))));
      f.set(position, v.add(position.get, v.constant(v.lanes)));
    },
  );

  overTargets(() => {
    f.do(
      `(${scalar}.store offset=${l.logits} ${place.get} (${scalar}.sub ${scalarLoad(place, l.logits)} (${scalar}.load offset=${l.lossScale} (i32.const 0))))`,
    );
    f.set(loss, `(f64.add ${loss.get} ${toFloat64(scalarLoad(column, l.logSumExp))})`);
  });
  f.do(`(f64.div ${loss.get} (f64.convert_i32_s ${positions.get}))`);
  return f.text('f64');
}
