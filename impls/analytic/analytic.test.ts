import { testTrainerContract } from '../trainer-contract.ts';
import createTrainer from './analytic.ts';

testTrainerContract(createTrainer, 40);
