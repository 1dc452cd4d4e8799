import { testGoldenTraces, testTrainerContract } from '../testing/trainer-contract.ts';
import createTrainer from './scalar-autograd.ts';

testTrainerContract(createTrainer, 20, { maxHeads: 4, maxLayers: 2 });
testGoldenTraces(createTrainer, ['d16'], 300);
