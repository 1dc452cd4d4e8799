import { suggestion } from '../../nearest-name.ts';
import { type OutputTarget, outputTarget, requireDistinct, writeOutput } from '../../output-target.ts';
import { printableLine } from '../../printable.ts';
import type { BenchResult } from '../../results/schema.ts';
import { UsageError } from '../../usage-error.ts';
import { bencher } from './bencher.ts';
import { csv } from './csv.ts';
import { githubActionBenchmark } from './github-action-benchmark.ts';
import { hyperfine } from './hyperfine.ts';
import { markdown } from './markdown.ts';

/** By what `--export FORMAT=FILE` calls it: the whole file, ending with a line break. Rows without a time appear only if the format can say why. */
const exporters: ReadonlyMap<string, (result: BenchResult) => string> = new Map([
  ['markdown', markdown],
  ['csv', csv],
  ['github-action-benchmark', githubActionBenchmark],
  ['bencher', bencher],
  ['hyperfine', hyperfine],
]);

export const exportFormats: readonly string[] = [...exporters.keys()];

interface ExportRequest {
  readonly exporter: (result: BenchResult) => string;
  readonly target: OutputTarget;
}

/** Parses all `--export` flags before anything is measured. @throws UsageError for the first that cannot be done */
export async function parseExports(values: readonly string[]): Promise<readonly ExportRequest[]> {
  const requests: ExportRequest[] = [];
  for (const value of values) requests.push(await parseExport(value));
  requireDistinct(requests.map(({ target }) => target));
  return requests;
}

/** Parses one `FORMAT=FILE`; `-` is standard output. @throws UsageError with the nearest format */
async function parseExport(value: string): Promise<ExportRequest> {
  const [, format, path] = /^([^=]*)=(.+)$/s.exec(value) ?? [];
  if (format === undefined || path === undefined) {
    throw new UsageError(
      `--export ${printableLine(value)}: expected FORMAT=FILE, FORMAT being one of ${exportFormats.join(', ')}`,
    );
  }
  const exporter = exporters.get(format);
  if (exporter === undefined) {
    throw new UsageError(
      `--export ${printableLine(value)}: unknown format "${printableLine(format)}"${suggestion(format, exportFormats)}`,
    );
  }
  return { exporter, target: await outputTarget(`--export ${value}`, path) };
}

export async function exportResult(result: BenchResult, requests: readonly ExportRequest[]): Promise<void> {
  for (const { exporter, target } of requests) await writeOutput(target, exporter(result));
}
