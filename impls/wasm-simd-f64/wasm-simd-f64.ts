import type { CreateTrainer } from '../contract.ts';
import { createCachedTrainer } from '../wasm-simd/cached-trainer.ts';

const createTrainer: CreateTrainer = (task) => createCachedTrainer(task, 'float64');
export default createTrainer;
