import { statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { suggestion } from '../../nearest-name.ts';
import { writeOutput } from '../../output-target.ts';
import type { BenchResult } from '../../results/schema.ts';
import { UsageError } from '../../usage-error.ts';
import { bencher } from './bencher.ts';
import { csv } from './csv.ts';
import type { Exporter } from './exporter.ts';
import { githubActionBenchmark } from './github-action-benchmark.ts';
import { hyperfine } from './hyperfine.ts';
import { markdown } from './markdown.ts';

const exporters: readonly Exporter[] = [markdown, csv, githubActionBenchmark, bencher, hyperfine];

/** The formats that `--export` knows. */
export const exportFormats: readonly string[] = exporters.map(({ format }) => format);

/** One `--export FORMAT=FILE`, checked. */
export interface ExportRequest {
  readonly exporter: Exporter;
  /** Absolute path, in a folder that exists. */
  readonly file: string;
}

/** Parses the values of all `--export` flags, before anything is measured. Throws {@link UsageError} for the first that cannot be done. */
export function parseExports(values: readonly string[]): ExportRequest[] {
  const requests = values.map(parseExport);
  for (const [index, { file }] of requests.entries()) {
    if (requests.findIndex((other) => other.file === file) < index) {
      throw new UsageError(`--export ${values[index]}: ${file} is named twice; give every format its own file`);
    }
  }
  return requests;
}

/** Parses one `FORMAT=FILE`. Throws {@link UsageError} naming the nearest format or all of them, or the folder that is missing. */
export function parseExport(value: string): ExportRequest {
  const [, format, path] = /^([^=]*)=(.+)$/s.exec(value) ?? [];
  if (format === undefined || path === undefined) {
    throw new UsageError(`--export ${value}: expected FORMAT=FILE, FORMAT being one of ${exportFormats.join(', ')}`);
  }
  const exporter = exporters.find((candidate) => candidate.format === format);
  if (exporter === undefined) {
    throw new UsageError(`--export ${value}: unknown format "${format}"${suggestion(format, exportFormats)}`);
  }
  const file = resolve(path);
  if (!statSync(dirname(file), { throwIfNoEntry: false })?.isDirectory()) {
    throw new UsageError(`--export ${value}: the folder ${dirname(file)} does not exist; make it first`);
  }
  if (statSync(file, { throwIfNoEntry: false })?.isDirectory()) {
    throw new UsageError(`--export ${value}: ${file} is a folder; name a file`);
  }
  return { exporter, file };
}

/** Writes the result in every requested format, each file at once or not at all. */
export async function exportResult(result: BenchResult, requests: readonly ExportRequest[]): Promise<void> {
  for (const { exporter, file } of requests) {
    await writeOutput({ flag: `--export ${exporter.format}=${file}`, path: file }, exporter.serialize(result));
  }
}
