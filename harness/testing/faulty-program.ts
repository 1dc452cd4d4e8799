/**
 * Speaks the line protocol without training anything, and breaks one rule of it: `faulty-program.ts FAULT --tokens FILE …`.
 * The conformance run is tested against it; with the fault `none` it keeps every rule.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { createInterface } from 'node:readline';

const [fault, ...flags] = process.argv.slice(2);
const start = readFileSync(flags[flags.indexOf('--parameters') + 1]);
const documents = readFileSync(flags[flags.indexOf('--offsets') + 1]).byteLength / 4 - 1;
let first = 0;
let step = 0;

const print = (answer: object) => process.stdout.write(`${JSON.stringify(answer)}\n`);

const answers: Record<string, (argument: string) => object> = {
  train: (argument) => {
    const steps = Number(argument);
    if (!(steps >= 1)) {
      if (fault === 'exits on a wrong argument') process.exit(1);
      return { error: 'train wants a number of steps' };
    }
    const losses = Array.from({ length: steps }, () => 1 / (++step + (first % documents)));
    if (fault === 'one loss too few') losses.pop();
    return { losses, nanoseconds: 1 };
  },
  reset: (argument) => {
    if (!(argument !== '' && Number(argument) >= 0)) return { error: 'reset wants a document' };
    if (fault !== 'starts where it always did') first = Number(argument);
    if (fault !== 'resets nothing') step = 0;
    return { reset: true };
  },
  parameters: (file) =>
    write('parameters', file, fault === 'parameters as float32' ? new Float32Array(start.length / 8) : start),
  gradients: (file) => {
    if (fault === 'trains on gradients') step++;
    return write('gradients', file, start);
  },
};

function write(word: string, file: string, numbers: Uint8Array | Float32Array): object {
  try {
    writeFileSync(file, numbers);
  } catch (error) {
    if (fault === 'throws where it cannot write') throw error;
    return { error: String(error) };
  }
  return { [word]: start.length / 8 };
}

if (fault === 'noise before ready') console.log('Loading…');
if (fault === 'runs out of memory on a huge task' && documents > 50_000) process.exit(137);
print({ ready: 2 });

const input = createInterface({ input: process.stdin });
input.on('line', (line) => {
  const [word] = line.split(' ', 1);
  const argument = fault === 'splits at every space' ? line.split(' ')[1] : line.slice(word.length + 1);
  if (word === 'quit') process.exit(fault === 'fails on quit' ? 3 : 0);
  const answer = answers[word];
  if (answer !== undefined) print(answer(argument));
  else if (fault !== 'silent on an unknown word') print({ error: `unknown word ${word}` });
});
input.on('close', () => {
  if (fault === 'outlives its input') setInterval(() => {}, 1000);
});
