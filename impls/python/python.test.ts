import { testProgramContract } from '../testing/program-contract.ts';

await testProgramContract(import.meta.filename, 1, { maxHeads: 3 });
