import type { Layout } from './layout.ts';
import type { Vector } from './vector.ts';
import { at, FunctionWriter, i32, type Local } from './wat.ts';

/**
 * `crossEntropy(vectors, documents)`: softmax with cross-entropy over the vocabulary, forward and backward. In a column,
 * loss = ln Σ_k e^(z_k - max) + max - z_target. The stored loss is the mean over a document's positions, added
 * up over the documents. The logits z `[vocabSize][column]` are replaced by their gradient,
 * `(softmax(z) - onehot(target)) · lossScale`.
 */
export function crossEntropy(v: Vector, l: Layout): string {
  const f = new FunctionWriter('crossEntropy');
  const [vectors, documents] = [f.parameter('i32', 'vectors'), f.parameter('i32', 'documents')];
  const { vocabSize } = l.model;
  const vectorBytes = v.lanes * v.elementBytes;
  const single = v.precision === 'float32';
  const scalar = single ? 'f32' : 'f64';
  const load = (pointer: Local, offsetBytes = 0) => `(${scalar}.load offset=${offsetBytes} ${pointer.get})`;
  const store = (pointer: Local, offsetBytes: number, value: string) =>
    f.do(`(${scalar}.store offset=${offsetBytes} ${pointer.get} ${value})`);
  const toFloat64 = (value: string) => (single ? `(f64.promote_f32 ${value})` : value);

  const target = f.local('i32', 'target');
  const columnBytes = f.local('i32', 'columnBytes');
  const place = f.local('i32', 'place');
  const positions = f.local('i32', 'positions');
  /** Visits the columns of all documents. `place` holds the address of z[target]. */
  const overColumns = (perDocument: (visit: (body: () => void) => void) => void) => {
    f.set(target, i32.constant(l.targets));
    f.set(columnBytes, i32.constant(0));
    const table = f.let('i32', 'table', i32.constant(l.documents));
    f.loop(documents, [{ pointer: table, bytes: 8 }], () => {
      f.set(positions, i32.load(at(table, 4)));
      perDocument((body) =>
        f.loop(
          positions,
          [
            { pointer: target, bytes: 4 },
            { pointer: columnBytes, bytes: v.elementBytes },
          ],
          () => {
            f.set(place, i32.load(at(target)));
            body();
          },
        ),
      );
    });
  };
  overColumns((visit) => visit(() => store(columnBytes, l.targetLogits, load(place))));

  const column = f.let('i32', 'column', i32.constant(0));
  const logits = f.let('i32', 'logits', i32.constant(l.logits));
  const zk = f.local('i32', 'zk');
  const overVocabulary = (most: number, body: (offsets: number[]) => void) => {
    f.set(zk, logits.get);
    f.chunked(vocabSize, most, [{ pointer: zk, bytes: l.strideBytes }], (size) =>
      body(Array.from({ length: size }, (_, k) => k * l.strideBytes)),
    );
  };
  const nextVector = [
    { pointer: column, bytes: vectorBytes },
    { pointer: logits, bytes: l.recordBytes },
  ];
  f.loop(vectors, nextVector, () => {
    const max = f.let('v128', 'max', v.load(at(logits)));
    overVocabulary(9, (rows) => {
      for (const row of rows) f.set(max, v.max(max.get, v.load(at(zk, row))));
    });
    const sum = f.let('v128', 'sum', v.constant(0));
    overVocabulary(4, (rows) => {
      const below = rows.map((row) => v.max(v.sub(v.load(at(zk, row)), max.get), v.constant(v.lowestExponent)));
      for (const [k, e] of v.exp(f, below).entries()) {
        f.set(sum, v.add(sum.get, e.get));
        f.do(v.store(at(zk, rows[k]), e.get));
      }
    });
    f.do(v.store(at(column, l.logSumExp), v.add(v.log(f, sum.get), max.get)));
    const scale = f.let('v128', 'scale', v.div(v.load(at(column, l.lossScale)), sum.get));
    overVocabulary(9, (rows) => {
      for (const row of rows) f.do(v.store(at(zk, row), v.mul(v.load(at(zk, row)), scale.get)));
    });
  });

  const loss = f.let('f64', 'loss', '(f64.const 0)');
  const ofDocument = f.local('f64', 'ofDocument');
  overColumns((visit) => {
    f.set(ofDocument, '(f64.const 0)');
    visit(() => {
      store(place, 0, `(${scalar}.sub ${load(place)} ${load(columnBytes, l.lossScale)})`);
      const distance = `(f64.sub ${toFloat64(load(columnBytes, l.logSumExp))} ${toFloat64(load(columnBytes, l.targetLogits))})`;
      f.set(ofDocument, `(f64.add ${ofDocument.get} ${distance})`);
    });
    f.set(loss, `(f64.add ${loss.get} (f64.div ${ofDocument.get} (f64.convert_i32_s ${positions.get})))`);
  });
  f.do(`(f64.store offset=${l.loss} (i32.const 0) ${loss.get})`);
  return f.text();
}
