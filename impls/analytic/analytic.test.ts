import { testGoldenTraces, testTrainerContract } from '../testing/trainer-contract.ts';
import createTrainer from './analytic.ts';

testTrainerContract(createTrainer, 40);
testGoldenTraces(createTrainer, ['d16', 'd32', 'd64', 'd128']);
