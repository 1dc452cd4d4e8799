import { testGoldenTraces, testTrainerContract } from '../testing/trainer-contract.ts';
import createTrainer from './scalar-autograd.ts';

testTrainerContract(createTrainer, 20);
testGoldenTraces(createTrainer, ['d16']);
