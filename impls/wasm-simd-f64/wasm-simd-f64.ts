import type { CreateTrainer } from '../contract.ts';
import { createWasmTrainer } from '../wasm-simd/trainer.ts';

const createTrainer: CreateTrainer = (task) => createWasmTrainer(task, 'float64');
export default createTrainer;
