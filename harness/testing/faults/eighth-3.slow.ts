import { faults } from './faults.ts';
import { tryFaults } from './try-faults.ts';

tryFaults(faults.filter((_, i) => i % 8 === 2));
