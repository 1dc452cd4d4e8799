import { readFileSync } from 'node:fs';
import { availableParallelism, loadavg } from 'node:os';
import { median, medianAbsoluteDeviation } from 'simple-statistics';
import { rowName } from '../results/names.ts';
import type { Noise, Row } from '../results/schema.ts';
import { relativeHalfWidth } from '../statistics/median-interval.ts';
import { percent } from '../statistics/percent.ts';

/** Of the whole machine since it booted. */
interface ProcessorTicks {
  readonly total: number;
  /** While another virtual machine held the processor that this one asked for. */
  readonly steal: number;
}

/** What the machine says of itself, as an interface so that a test can play a noisy one. */
export interface MachineSenses {
  readonly loadAverage: () => number | undefined;
  readonly ticks: () => ProcessorTicks | undefined;
  readonly governor: () => string | undefined;
  readonly cores: number;
}

const machineSenses: MachineSenses = {
  // Windows has none, and Node reports zeros.
  loadAverage: () => (process.platform === 'win32' ? undefined : loadavg()[0]),
  ticks: () => parseTicks(readIfThere('/proc/stat')),
  governor: () => readIfThere('/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor')?.trim(),
  cores: availableParallelism(),
};

/** Above these a figure is as much the machine's as the program's. */
const STEAL_LIMIT = 0.01;
const LOAD_LIMIT_PER_CORE = 0.5;
const CALIBRATOR_SPREAD_LIMIT = 0.02;

/** Watches the machine from its construction on. Warnings are facts in a few words; whoever shows them adds the advice. */
export class NoiseWatch {
  readonly #senses: MachineSenses;
  readonly #loadBefore: number | undefined;
  readonly #ticksBefore: ProcessorTicks | undefined;

  constructor(senses: MachineSenses = machineSenses) {
    this.#senses = senses;
    this.#loadBefore = senses.loadAverage();
    this.#ticksBefore = senses.ticks();
  }

  /** @param calibratorMicroseconds one figure a round @param precision half width over median that the run aimed for */
  report(calibratorMicroseconds: readonly number[], rows: readonly Row[], precision: number): Noise {
    const seen = {
      loadAverage: this.#loadBefore,
      stealFraction: stolen(this.#ticksBefore, this.#senses.ticks()),
      governor: this.#senses.governor(),
      calibratorSpread: spread(calibratorMicroseconds),
    };
    return {
      ...seen,
      calibratorMicroseconds: [...calibratorMicroseconds],
      warnings: [...machineWarnings(seen, this.#senses.cores), ...rowWarnings(rows, precision)],
    };
  }
}

/** Parses the first line of /proc/stat: user nice system idle iowait irq softirq steal, in ticks (proc_stat(5)). */
export function parseTicks(stat: string | undefined): ProcessorTicks | undefined {
  const fields = stat
    ?.match(/^cpu +(\d+(?: \d+)*)/)?.[1]
    .split(' ')
    .map(Number);
  if (fields === undefined || fields.length < 8) return undefined;
  // Guest time, after the eighth field, is already counted as user time.
  return { total: fields.slice(0, 8).reduce((sum, ticks) => sum + ticks, 0), steal: fields[7] };
}

/** Median absolute deviation over median; undefined with fewer than three figures. */
function spread(figures: readonly number[]): number | undefined {
  return figures.length < 3 ? undefined : medianAbsoluteDeviation([...figures]) / median([...figures]);
}

function stolen(before: ProcessorTicks | undefined, after: ProcessorTicks | undefined): number | undefined {
  if (before === undefined || after === undefined || after.total <= before.total) return undefined;
  return (after.steal - before.steal) / (after.total - before.total);
}

function machineWarnings(
  { loadAverage = 0, stealFraction = 0, governor = 'performance', calibratorSpread = 0 }: Partial<Noise>,
  cores: number,
): string[] {
  return [
    loadAverage > LOAD_LIMIT_PER_CORE * cores && `load ${loadAverage.toFixed(1)} on ${cores} cores before the run`,
    stealFraction > STEAL_LIMIT && `other virtual machines took ${percent(stealFraction)} of the processor`,
    governor !== 'performance' &&
      `governor "${governor}" lets the clock change (fix: cpupower frequency-set -g performance)`,
    calibratorSpread > CALIBRATOR_SPREAD_LIMIT &&
      `the machine's speed moved by ±${percent(calibratorSpread)} between rounds`,
  ].filter((warning) => warning !== false);
}

function rowWarnings(rows: readonly Row[], precision: number): string[] {
  const verified = rows.filter((row) => row.status === 'verified');
  const wide = verified
    .map((row) => ({ row, width: relativeHalfWidth(row.microsecondsPerSample) }))
    .filter(({ width }) => width > precision)
    .sort((a, b) => b.width - a.width);
  const widest = wide[0];
  if (widest === undefined) return [];
  const width = widest.width > 1 ? 'more than ±100%' : `±${percent(Number(widest.width.toPrecision(2)))}`;
  return [
    `intervals wider than ±${percent(precision)}: ${wide.length} of ${verified.length} rows, up to ${width} (${rowName(widest.row)})`,
  ];
}

function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}
