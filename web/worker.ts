import { type CreateTrainer, UnsupportedTask } from '../impls/contract.ts';
import type { FromRacer, ToRacer } from './messages.ts';
import { prepareRace, Racer } from './racer.ts';

/** The implementations that need only a JavaScript engine. */
const trainers: Readonly<Record<string, () => Promise<{ readonly default: CreateTrainer }>>> = {
  'scalar-autograd': () => import('../impls/scalar-autograd/scalar-autograd.ts'),
  'flat-tape': () => import('../impls/flat-tape/flat-tape.ts'),
  analytic: () => import('../impls/analytic/analytic.ts'),
  'wasm-simd-f64': () => import('../impls/wasm-simd-f64/wasm-simd-f64.ts'),
  'wasm-simd': () => import('../impls/wasm-simd/wasm-simd.ts'),
};

let racer: Racer | undefined;

addEventListener('message', ({ data }: MessageEvent<ToRacer>) => {
  void answer(data).then(send, (error: unknown) => {
    const reason = error instanceof Error ? error.message : String(error);
    send({ kind: error instanceof UnsupportedTask ? 'unsupported' : 'broken', reason });
  });
});

async function answer(message: ToRacer): Promise<FromRacer> {
  if (message.kind === 'prepare') {
    const { default: createTrainer } = await trainers[message.implementation]();
    const task = prepareRace(message.task);
    racer = await Racer.create(createTrainer, task, message.precision);
    return {
      kind: 'ready',
      parameters: task.description.parameterCount,
      documents: task.description.dataset.documents,
    };
  }
  if (racer === undefined) throw new Error('a turn came before the task');
  return { kind: 'turn', ...(await racer.turn(message.milliseconds)) };
}

function send(message: FromRacer): void {
  postMessage(message);
}
