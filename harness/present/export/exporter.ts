import type { BenchResult, VerifiedRow } from '../../results/schema.ts';

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
