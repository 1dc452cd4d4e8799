import type { Layout } from './layout.ts';
import { FunctionWriter, i32 } from './wat.ts';

/**
 * Looks before a waiting thread goes to sleep: some hundreds of microseconds. Far longer than it takes to wake a sleeper, or
 * else the woken one, still late, would find the other asleep in turn.
 */
const looks = 200_000;

/**
 * `barrier()`: returns once all threads have called it. The last to arrive opens the next round; the others look at the
 * round's number, and sleep when it takes long (a thread may have lost its core).
 */
export function barrier(l: Layout, threads: number): string {
  const f = new FunctionWriter('barrier');
  const [arrived, round, sleeping] = [0, 4, 8].map((bytes) => i32.constant(l.barrier + bytes));
  const current = f.let('i32', 'current', `(i32.atomic.load ${round})`);
  const left = f.let('i32', 'left', i32.constant(looks));
  f.do(`(if (i32.eq (i32.atomic.rmw.add ${arrived} (i32.const 1)) (i32.const ${threads - 1})) (then
    (i32.atomic.store ${arrived} (i32.const 0))
    (i32.atomic.store ${round} (i32.add ${current.get} (i32.const 1)))
    (if (i32.atomic.load ${sleeping}) (then (drop (memory.atomic.notify ${round} (i32.const ${threads})))))
    (return)))
  (loop $look
    (if (i32.ne (i32.atomic.load ${round}) ${current.get}) (then (return)))
    (if ${left.get}
      (then (local.set $${left.name} (i32.sub ${left.get} (i32.const 1))))
      (else
        (drop (i32.atomic.rmw.add ${sleeping} (i32.const 1)))
        (drop (memory.atomic.wait32 ${round} ${current.get} (i64.const -1)))
        (drop (i32.atomic.rmw.sub ${sleeping} (i32.const 1)))))
    (br $look))`);
  return f.text();
}
