import type { Fault } from './fault.ts';
import { manifestFaults } from './manifests.ts';
import { rowFaults } from './rows.ts';

/** Every fault that the suite tries. */
export const faults: readonly Fault[] = [...rowFaults, ...manifestFaults];
