import { fullPace } from '../measure/pace.ts';
import { type DiscoveredImplementation, isBroken } from '../program/discover.ts';
import { rolesOf } from '../program/roles.ts';
import { type PresetName, presets } from '../task/presets.ts';
import { UsageError } from '../usage-error.ts';
import { type BenchFlags, type BenchOutcome, benchOne } from './bench-one.ts';
import { taskRequest } from './flags.ts';
import { interruptSignal } from './interrupt.ts';

/** For the rounds of one task, by default: six tasks end within a few minutes. */
const BUDGET_SECONDS = 40;

/**
 * Benchmarks every preset that can be prepared, one after the other. The Python baseline runs only the smallest: a single step of
 * it at d128 would take longer than everything else.
 * @throws UsageError if no preset could be benchmarked
 */
export async function benchScaling(
  all: readonly DiscoveredImplementation[],
  chosen: readonly DiscoveredImplementation[],
  flags: BenchFlags,
): Promise<{ readonly outcomes: readonly BenchOutcome[]; readonly failures: readonly UsageError[] }> {
  const outcomes: BenchOutcome[] = [];
  const failures: UsageError[] = [];
  for (const preset of Object.keys(presets)) {
    if (interruptSignal().aborted) break;
    const request = taskRequest({ ...flags, preset });
    const fast = chosen.filter((one) => isBroken(one) || !rolesOf(one).includes('python-baseline'));
    const rows = preset === smallest ? chosen : fast;
    try {
      outcomes.push(
        await benchOne({ request, all, chosen: rows, flags, budgetSeconds: BUDGET_SECONDS, pace: fullPace }),
      );
    } catch (error) {
      // The other tasks are worth showing.
      if (interruptSignal().aborted) break;
      if (!(error instanceof UsageError)) throw error;
      failures.push(new UsageError(`${preset}: ${error.message}`));
    }
  }
  const [failure] = failures;
  if (outcomes.length === 0 && failure !== undefined) throw failure;
  return { outcomes, failures };
}

const smallest: PresetName = 'd16';
