import { type DiscoveredImplementation, isBroken } from '../program/discover.ts';
import { rolesOf } from '../program/roles.ts';
import { type PresetName, presets } from '../task/presets.ts';
import { type BenchFlags, type BenchOutcome, benchOne } from './bench-one.ts';
import { taskRequest } from './flags.ts';
import { interruptSignal } from './interrupt.ts';

/** Time for the rounds of one task, where `--budget` says nothing else: six of them are to end within a few minutes. */
const BUDGET_SECONDS = 40;

/**
 * Benchmarks every preset, one after the other. The Python baseline runs the smallest alone: at d128 a single step of it would
 * take longer than everything else together.
 */
export async function benchScaling(
  all: readonly DiscoveredImplementation[],
  chosen: readonly DiscoveredImplementation[],
  flags: BenchFlags,
): Promise<readonly BenchOutcome[]> {
  const outcomes: BenchOutcome[] = [];
  for (const preset of Object.keys(presets)) {
    if (interruptSignal().aborted) break;
    const request = taskRequest({ ...flags, preset });
    const rows = preset === smallest ? chosen : chosen.filter((implementation) => !isPythonBaseline(implementation));
    try {
      outcomes.push(await benchOne({ request, all, chosen: rows, flags, budgetSeconds: BUDGET_SECONDS }));
    } catch (error) {
      // The tasks before the interrupted one are done and worth showing.
      if (!interruptSignal().aborted) throw error;
    }
  }
  return outcomes;
}

const smallest: PresetName = 'd16';

function isPythonBaseline(implementation: DiscoveredImplementation): boolean {
  return !isBroken(implementation) && rolesOf(implementation).includes('python-baseline');
}
