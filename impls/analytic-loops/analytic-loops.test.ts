import { testGoldenTraces, testTrainerContract } from '../testing/trainer-contract.ts';
import createTrainer from './analytic-loops.ts';

testTrainerContract(createTrainer, 40);
testGoldenTraces(createTrainer, ['d16', 'd64']);
