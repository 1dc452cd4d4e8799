import { buildFaults } from './builds.ts';
import { manifestFaults } from './manifests.ts';
import { rowFaults } from './rows.ts';
import { tryFaults } from './try-faults.ts';

tryFaults([...rowFaults, ...manifestFaults, ...buildFaults]);
