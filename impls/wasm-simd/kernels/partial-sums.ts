import type { Layout } from './layout.ts';
import type { Vector } from './vector.ts';
import { at, FunctionWriter } from './wat.ts';

/**
 * `name(partials, to, extra, vectors)`: to = the sum of all threads' parts, in order. If there is a residual connection, `extra`
 * is added. partials has an area for each thread; to and extra `[features][position]`.
 */
export function sumPartials(
  name: string,
  v: Vector,
  l: Layout,
  features: number,
  threads: number,
  residual: boolean,
): string {
  const f = new FunctionWriter(name);
  const [partials, to, extra] = [f.parameter('i32', 'partials'), f.parameter('i32', 'to'), f.parameter('i32', 'extra')];
  const vectors = f.parameter('i32', 'vectors');
  const [part, sum, other] = [f.local('i32', 'part'), f.local('i32', 'sum'), f.local('i32', 'other')];
  const moving = [partials, to, extra].map((pointer) => ({ pointer, bytes: l.recordBytes }));
  f.loop(vectors, moving, () => {
    f.set(part, partials.get);
    f.set(sum, to.get);
    f.set(other, extra.get);
    const down = [part, sum, other].map((pointer) => ({ pointer, bytes: l.strideBytes }));
    f.unrolled(features, 8, down, (copy) => {
      const row = copy * l.strideBytes;
      const parts = Array.from({ length: threads }, (_, thread) => v.load(at(part, row + thread * l.areaBytes)));
      if (residual) parts.unshift(v.load(at(other, row)));
      f.do(v.store(at(sum, row), parts.reduce(v.add)));
    });
  });
  return f.text();
}
