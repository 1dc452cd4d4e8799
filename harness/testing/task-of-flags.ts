import { readFileSync } from 'node:fs';
import type { TrainingTask } from '../../impls/contract.ts';

/** For programs of tests: the task in `--tokens FILE --n-embd 16 …`. */
export function taskOfFlags(words: readonly string[]): TrainingTask {
  const flag = (name: string) => words[words.indexOf(`--${name}`) + 1];
  const bytes = (name: string) => new Uint8Array(readFileSync(flag(name))).buffer;
  return {
    model: {
      nEmbd: Number(flag('n-embd')),
      nHead: Number(flag('n-head')),
      nLayer: Number(flag('n-layer')),
      blockSize: Number(flag('block-size')),
      vocabSize: Number(flag('vocab-size')),
    },
    tokens: new Int32Array(bytes('tokens')),
    offsets: new Int32Array(bytes('offsets')),
    parameters: new Float64Array(bytes('parameters')),
    batch: Number(flag('batch')),
    numSteps: Number(flag('num-steps')),
    learningRate: Number(flag('learning-rate')),
  };
}
