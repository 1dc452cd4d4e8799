/**
 * `bare-loop.ts MODULE TASK STEPS`: runs one implementation without harness, host or protocol, in one process with one loop.
 * For each line on standard input it resets, trains one step, trains the other steps, and prints the time of these in nanoseconds.
 * TASK is a file that `node:v8` serialised.
 */
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { deserialize } from 'node:v8';

const [module, taskFile, steps] = process.argv.slice(2);
const { default: create } = await import(module);
const trainer = await create(deserialize(readFileSync(taskFile)));

for await (const _ of createInterface({ input: process.stdin })) {
  trainer.reset(0);
  trainer.train(1);
  const start = process.hrtime.bigint();
  trainer.train(Number(steps) - 1);
  console.log(Number(process.hrtime.bigint() - start));
}
process.exit(0);
