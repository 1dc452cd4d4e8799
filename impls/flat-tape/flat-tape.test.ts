import { testGoldenTraces, testTrainerContract } from '../testing/trainer-contract.ts';
import createTrainer from './flat-tape.ts';

testTrainerContract(createTrainer, 20);
testGoldenTraces(createTrainer, ['d16', 'd32', 'd64']);
