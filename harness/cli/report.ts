import { access, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { Command } from 'commander';
import { keepInputs, type OutputTarget, outputTarget, writeOutput } from '../output-target.ts';
import {
  differBySizeAlone,
  type MachineReport,
  machineReports,
  type ResultFile,
} from '../present/report/machine-report.ts';
import { commandLine, displayPath } from '../project.ts';
import { succeeds } from '../regular-file.ts';
import { HISTORY_NAME, readHistory } from '../results/history.ts';
import { taskDifference } from '../results/names.ts';
import { readPublished } from '../results/published.ts';
import { type CheckResult, checkResultSchema } from '../results/schema.ts';
import { readResults, resultPaths, resultTaskName } from '../results/store.ts';
import { readJsonFile } from '../results/stored-json.ts';
import { UsageError } from '../usage-error.ts';
import { resultsOption } from './flags.ts';

interface ReportFlags {
  readonly results: string;
  readonly output?: string;
  readonly svg?: string;
  readonly losses?: string;
  readonly open?: true;
}

export function reportCommand(): Command {
  return new Command('report')
    .summary('one page with charts')
    .description('one page with the answer, its charts and how it was measured; from stored results')
    .argument(
      '[file...]',
      'results of one or several machines; the newest of every size in --results where none is named',
    )
    .addOption(resultsOption())
    .option('--output <file>', 'the page (default: report.html in --results)')
    .option('--svg <folder>', 'write the charts as SVG files too, light and dark')
    .option('--losses <file>', 'draw the losses that `check --json` wrote')
    .option('--open', 'show the page in a browser')
    .action(report);
}

async function report(paths: readonly string[], flags: ReportFlags): Promise<void> {
  const files = paths.length === 0 ? await newestResults(flags.results) : await readAll(paths);
  const { output, losses } = flags;
  if (output !== undefined) {
    const read = [...files.map(({ path }) => path), ...(losses === undefined ? [] : [losses])];
    keepInputs([await reportTarget(flags)], read);
  }
  await writeReport(files, flags);
}

/** Tries whether the page can be written, before anything is measured for it. @throws UsageError if it cannot */
export async function reportTarget({ results, output }: ReportFlags): Promise<OutputTarget> {
  if (output !== undefined) return outputTarget(`--output ${output}`, output);
  await makeFolder('--results', results);
  return outputTarget(`--results ${results}`, join(results, 'report.html'));
}

async function makeFolder(flag: string, folder: string): Promise<void> {
  await mkdir(folder, { recursive: true }).catch((error: NodeJS.ErrnoException) => {
    throw new UsageError(`${flag} ${folder}: cannot be made (${error.code ?? error.message}); name another folder`);
  });
}

/**
 * Makes the page and all charts before the first file is written. @throws UsageError if the results do not belong together, or
 * a file cannot be written
 */
export async function writeReport(files: readonly ResultFile[], flags: ReportFlags): Promise<void> {
  const machines = machineReports(files);
  // Loading the charts takes 300 ms, which no other command should wait for.
  const { reportPage } = await import('../present/report/report-page.ts');
  const history = join(flags.results, HISTORY_NAME);
  const page = reportPage({
    machines,
    // The first report may come before the history.
    history: (await succeeds(access(history))) ? (await readHistory(history)).records : [],
    published: await readPublished(),
    ...(flags.losses === undefined ? {} : { check: await lossesOf(flags.losses, machines[0]) }),
  });
  const target = await reportTarget(flags);
  const pictures = flags.svg === undefined ? [] : await pictureTargets(flags.svg, machines);
  await writeOutput(target, page);
  for (const { target, svg } of pictures) await writeOutput(target, svg);
  if (target.path === undefined) return;
  process.stderr.write(`report in ${displayPath(target.path)}\n`);
  if (flags.open) await (await import('open')).default(target.path);
}

async function readAll(paths: readonly string[]): Promise<readonly ResultFile[]> {
  const files = await Promise.all(
    paths.map(async (path) => (await readResults(path)).map((result) => ({ path, result }))),
  );
  return files.flat();
}

/**
 * The newest result in a folder, and those of other sizes that fit it. @throws UsageError if there is none, or the newest
 * cannot be read
 */
async function newestResults(folder: string): Promise<readonly ResultFile[]> {
  const ofEachTask = [...Map.groupBy(await resultPaths(folder), resultTaskName).values()].map(([newest]) => newest);
  if (ofEachTask.length === 0)
    throw new UsageError(
      `${displayPath(folder)}: got no results; expected at least one; run \`${commandLine('bench')}\`, or name a result's file`,
    );
  const [newest] = await readAll(ofEachTask.slice(0, 1));
  const others = await Promise.all(
    ofEachTask.slice(1).map((path) =>
      readAll([path]).catch((error) => {
        if (!(error instanceof UsageError)) throw error;
        return [];
      }),
    ),
  );
  const { machine, runtime } = newest.result;
  const fitting = others.flat().filter(({ result }) => {
    const sameMachine =
      result.machine.fingerprint === machine.fingerprint && result.runtime.version === runtime.version;
    return sameMachine && differBySizeAlone(newest.result, result);
  });
  return [newest, ...fitting];
}

/** @throws UsageError if the file holds no losses, or those of another task */
async function lossesOf(path: string, { result }: MachineReport): Promise<CheckResult> {
  const check = await readJsonFile(path, checkResultSchema);
  const difference = taskDifference(result.task, check.task);
  if (difference !== undefined)
    throw new UsageError(`--losses ${path}: got losses of another task, ${difference}; expected those of the report's`);
  return check;
}

async function pictureTargets(
  folder: string,
  machines: readonly MachineReport[],
): Promise<readonly { readonly target: OutputTarget; readonly svg: string }[]> {
  await makeFolder('--svg', folder);
  const { svgFiles } = await import('../present/report/svg-files.ts');
  const pictures = machines.flatMap((machine, i) =>
    svgFiles(machine).map(({ name, svg }) => ({ name: machines.length > 1 ? `${i + 1}-${name}` : name, svg })),
  );
  return Promise.all(
    pictures.map(async ({ name, svg }) => ({
      target: await outputTarget(`--svg ${join(folder, name)}`, join(folder, name)),
      svg,
    })),
  );
}
