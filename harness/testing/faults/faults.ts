import type { Fault } from './fault.ts';
import { rowFaults } from './rows.ts';

/** Every fault that the suite tries. */
export const faults: readonly Fault[] = [...rowFaults];
