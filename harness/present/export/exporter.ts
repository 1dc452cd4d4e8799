import type { BenchResult, Row, VerifiedRow } from '../../results/schema.ts';

/** One file format that other tools read. */
export interface Exporter {
  /** What `--export FORMAT=FILE` calls it. */
  readonly format: string;
  /** The whole file, ending with a line break. Rows that may not be timed appear only where the format can say why. */
  serialize(result: BenchResult): string;
}

/** The rows that have a figure: the only ones a consumer of numbers may see. */
export function verifiedRows(result: BenchResult): VerifiedRow[] {
  return result.rows.filter((row) => row.status === 'verified');
}

/** `wasm-simd`, or `wasm-simd (bun)` where several runtimes ran. */
export function rowName(row: Row): string {
  return row.runtime === undefined ? row.implementation : `${row.implementation} (${row.runtime})`;
}

/** The task in a few words, `d16, us-names-2016`: figures of different tasks must never share a name in a consumer's history. */
export function taskName(result: BenchResult): string {
  const { task } = result;
  const sizes =
    task.preset ??
    `n_embd ${task.nEmbd}, n_head ${task.nHead}, n_layer ${task.nLayer}, block_size ${task.blockSize}, batch ${task.batch}`;
  return `${sizes}, ${task.dataset.name}`;
}

/** What a consumer files the figure under, the same in every run of the same task: `wasm-simd [d16, us-names-2016]`. */
export function benchmarkName(result: BenchResult, row: Row): string {
  return `${rowName(row)} [${taskName(result)}]`;
}
