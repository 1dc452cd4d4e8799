import type { Trainer } from '../../impls/contract.ts';
import type { StepwiseTrainer } from '../verify/force-steps.ts';

/** For tests only: a trainer in this process, asked as one in another is. */
export function stepwise(trainer: Pick<Trainer, 'train' | 'reset' | 'parameters'>): StepwiseTrainer {
  return {
    reset: async (firstDocument) => trainer.reset(firstDocument),
    train: async (steps) => ({ losses: trainer.train(steps) }),
    parameters: async () => trainer.parameters(),
    quit: async () => {},
  };
}
