import { benchFaults } from './benches.ts';
import { buildFaults } from './builds.ts';
import { comparisonFaults } from './comparisons.ts';
import type { Fault } from './fault.ts';
import { inputFaults } from './inputs.ts';
import { interruptFaults } from './interrupts.ts';
import { manifestFaults } from './manifests.ts';
import { permissionFaults } from './permissions.ts';
import { placeFaults } from './places.ts';
import { rowFaults } from './rows.ts';
import { storedFaults } from './stored.ts';
import { toolFaults } from './tools.ts';

/** Every fault that the suite tries. */
export const faults: readonly Fault[] = [
  ...rowFaults,
  ...manifestFaults,
  ...toolFaults,
  ...buildFaults,
  ...placeFaults,
  ...storedFaults,
  ...permissionFaults,
  ...inputFaults,
  ...benchFaults,
  ...comparisonFaults,
  ...interruptFaults,
];
