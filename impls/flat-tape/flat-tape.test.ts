import { testTrainerContract } from '../trainer-contract.ts';
import createTrainer from './flat-tape.ts';

testTrainerContract(createTrainer, 20);
