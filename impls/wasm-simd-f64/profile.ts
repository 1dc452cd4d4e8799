import type { CreateRepeatingTrainer } from '../contract.ts';
import { createRepeatingTrainer } from '../wasm-simd/profile.ts';

const createTrainer: CreateRepeatingTrainer = (task, isRepeated) => createRepeatingTrainer(task, 'float64', isRepeated);
export default createTrainer;
