import type { CreateTrainer } from '../contract.ts';
import { createCachedTrainer } from './cached-trainer.ts';

const createTrainer: CreateTrainer = (task) => createCachedTrainer(task, 'float32');
export default createTrainer;
