import type { CreateRepeatingTrainer, TrainingTask } from '../contract.ts';
import { assemble } from './kernels/assemble.ts';
import { kernelText } from './kernels/model.ts';
import type { Precision } from './kernels/vector.ts';
import { kernelRequest, WasmTrainer } from './trainer.ts';

/** For `npm run profile`: the kernel of a task, with some of the calls of a step made twice. */
export function createRepeatingTrainer(
  task: TrainingTask,
  precision: Precision,
  isRepeated: (functionName: string) => boolean,
): WasmTrainer {
  const request = kernelRequest(task, precision);
  const bytes = assemble(repeatCalls(kernelText(request), isRepeated));
  return new WasmTrainer(task, request, new WebAssembly.Module(bytes));
}

/** A phase of a step is a function `STAGE.NUMBER`. Each statement in it is one line and calls a function of the kernel. */
export function repeatCalls(text: string, isRepeated: (functionName: string) => boolean): string {
  let inPhase = false;
  return text
    .split('\n')
    .flatMap((line) => {
      const [, defined] = /^\(func \$(\S+)/.exec(line) ?? [];
      if (defined !== undefined) inPhase = /^(only|first|middle|last)\.\d+$/.test(defined);
      const [, called] = /^\(call \$([^\s)]+)/.exec(line) ?? [];
      return inPhase && called !== undefined && isRepeated(called) ? [statement(line), line] : [line];
    })
    .join('\n');
}

/** The call alone, without the bracket by which the last line closes the function. */
function statement(line: string): string {
  let depth = 0;
  for (const [i, character] of [...line].entries()) {
    if (character === '(') depth++;
    else if (character === ')' && --depth === 0) return line.slice(0, i + 1);
  }
  return line;
}

const createTrainer: CreateRepeatingTrainer = (task, isRepeated) => createRepeatingTrainer(task, 'float32', isRepeated);
export default createTrainer;
