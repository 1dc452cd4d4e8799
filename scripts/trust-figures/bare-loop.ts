/**
 * `bare-loop.ts MODULE TASK STEPS MILLISECONDS`: the kernels of one implementation without harness, host or protocol. One process, one
 * loop: reset, train, read the clock. Prints the median time of a lap in nanoseconds. TASK is a file as `structuredClone`
 * would have it: `node:v8` serialised.
 */
import { readFileSync } from 'node:fs';
import { deserialize } from 'node:v8';

const [module, taskFile, steps, milliseconds] = process.argv.slice(2);
const { default: create } = await import(module);
const trainer = await create(deserialize(readFileSync(taskFile)));

function laps(forMilliseconds: number): number[] {
  const times: number[] = [];
  const end = performance.now() + forMilliseconds;
  do {
    trainer.reset();
    const start = process.hrtime.bigint();
    trainer.train(Number(steps));
    times.push(Number(process.hrtime.bigint() - start));
  } while (performance.now() < end);
  return times.sort((a, b) => a - b);
}

laps(Number(milliseconds));
const times = laps(Number(milliseconds));
console.log(times[times.length >> 1]);
process.exit(0);
