import { type HistoryRecord, type Trend, trendsOf } from '../../results/history.ts';
import { taskDifference, taskKey } from '../../results/names.ts';
import type { BenchResult } from '../../results/schema.ts';
import { UsageError } from '../../usage-error.ts';

export interface ResultFile {
  readonly path: string;
  readonly result: BenchResult;
}

export interface MachineReport {
  readonly name: string;
  /** Of the smallest task that all machines have. */
  readonly result: BenchResult;
  /** Of all sizes, that one too, small before large. */
  readonly sizes: readonly BenchResult[];
}

/** Whether a report may hold both: only the model's sizes and the batch differ. */
export function differBySizeAlone(a: BenchResult, b: BenchResult): boolean {
  return whyMixed(a, b) === undefined;
}

/**
 * Sorts results by machine and size, keeping the newest of each; the machine of the newest comes first. At least one file.
 * @throws UsageError if tasks differ in more than size, or machines have no task in common
 */
export function machineReports(files: readonly ResultFile[]): readonly MachineReport[] {
  const newestFirst = files.toSorted((a, b) => b.result.createdAt.localeCompare(a.result.createdAt));
  const [first, ...rest] = files;
  for (const { path, result } of rest) {
    const difference = whyMixed(first.result, result);
    if (difference !== undefined)
      throw new UsageError(
        `${path}: got a task that cannot stand beside ${first.path}'s, ${difference}; expected tasks that differ in size alone; report them one by one`,
      );
  }
  const machineKey = ({ result: { machine, runtime } }: ResultFile) =>
    [machine.fingerprint, runtime.name, runtime.version].join('|');
  const machines = [...Map.groupBy(newestFirst, machineKey).values()].map((own) =>
    [...Map.groupBy(own, ({ result }) => taskKey(result.task)).values()]
      .map(([newest]) => newest.result)
      .toSorted((a, b) => a.task.batch - b.task.batch || a.task.parameterCount - b.task.parameterCount),
  );
  const common = machines[0].find(({ task }) =>
    machines.every((sizes) => sizes.some((other) => taskDifference(task, other.task) === undefined)),
  );
  if (common === undefined)
    throw new UsageError(
      'got results of machines that have no task in common; expected one size that all have; report them one by one',
    );
  return machines.map((sizes, i) => {
    const result = sizes.find(({ task }) => taskDifference(task, common.task) === undefined) ?? common;
    return { name: machineName(result, machines.length > 1 ? i : undefined), result, sizes };
  });
}

function whyMixed(a: BenchResult, b: BenchResult): string | undefined {
  const { nEmbd, nHead, nLayer, blockSize, batch } = a.task;
  return taskDifference(a.task, { ...b.task, nEmbd, nHead, nLayer, blockSize, batch });
}

/** With a letter if there are several: two machines may have the same processor. */
function machineName({ machine }: BenchResult, index: number | undefined): string {
  const cores = machine.cores === 1 ? '1 core' : `${machine.cores} cores`;
  const name = `${machine.cpu}, ${cores}`;
  return index === undefined ? name : `${String.fromCharCode(65 + (index % 26))}: ${name}`;
}

export function trendsOfMachine({ result }: MachineReport, history: readonly HistoryRecord[]): readonly Trend[] {
  return trendsOf(
    history.filter(
      (record) =>
        record.machine.fingerprint === result.machine.fingerprint &&
        record.runtime.name === result.runtime.name &&
        record.runtime.version === result.runtime.version &&
        taskDifference(record.task, result.task) === undefined,
    ),
  );
}
