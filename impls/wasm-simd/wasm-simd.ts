import type { CreateTrainer } from '../contract.ts';
import { createWasmTrainer } from './trainer.ts';

const createTrainer: CreateTrainer = (task) => createWasmTrainer(task, 'float32');
export default createTrainer;
