import { buildFaults } from './builds.ts';
import { faults } from './faults.ts';
import { manifestFaults } from './manifests.ts';
import { rowFaults } from './rows.ts';
import { tryFaults } from './try-faults.ts';

/** Everything that is not about a single row: `of-rows.slow.ts` tries those beside this. */
const ofRows = new Set([...rowFaults, ...manifestFaults, ...buildFaults]);
tryFaults(faults.filter((fault) => !ofRows.has(fault)));
