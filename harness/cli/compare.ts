import { existsSync } from 'node:fs';
import { isAbsolute, join, relative, resolve, sep } from 'node:path';
import { Command, InvalidArgumentError, Option } from 'commander';
import { comparePair, pairImplementations, unchangedPairs, unchangedRow } from '../compare/compare-revisions.ts';
import { type Checkout, checkOut, git, listFiles, resolveRevision, uncommittedFiles } from '../compare/revision.ts';
import { compareStored } from '../compare/stored-results.ts';
import { keepInputs } from '../output-target.ts';
import { annotations, appendJobSummary, comparisonTable, runsInGitHubActions } from '../present/comparison.ts';
import { fitted, terminalPage } from '../present/page.ts';
import { printableLine } from '../printable.ts';
import { discoverWith } from '../program/discover.ts';
import { implementationsRoot, isInstalled, projectRoot } from '../project.ts';
import { messageOf } from '../regular-file.ts';
import type { Comparison } from '../results/comparison.ts';
import { SCHEMA_VERSION } from '../results/schema.ts';
import { readResult } from '../results/store.ts';
import { percentChange } from '../statistics/percent.ts';
import { prepareTask } from '../task/prepare-task.ts';
import { UsageError } from '../usage-error.ts';
import { expectationOf } from '../verify/expectation.ts';
import { comparisonExitCode } from './exit-code.ts';
import {
  addTaskFlags,
  implementationsOption,
  type JsonOutput,
  jsonOption,
  jsonOutput,
  positiveNumber,
  type TaskFlags,
  taskRequest,
} from './flags.ts';
import { interruptSignal } from './interrupt.ts';
import { statusLine } from './progress.ts';

interface CompareFlags extends TaskFlags {
  readonly base?: string;
  readonly head?: string;
  readonly threshold: number;
  readonly budget: number;
  readonly strict?: true;
  readonly allowDirty?: true;
  readonly all?: true;
  readonly impls: readonly string[];
  readonly github?: true;
  readonly json?: string;
}

export function compareCommand(): Command {
  return addTaskFlags(new Command('compare'))
    .summary('fail if a revision is slower')
    .description('compare two revisions side by side, or two stored results, and fail where one became slower')
    .argument('[name...]', 'implementations (default: all); without --base, two result files')
    .option('--base <revision>', 'what to compare with: a branch, tag or commit')
    .option('--head <revision>', 'what is new (default: what is checked out here)')
    .addOption(
      new Option('--threshold <percent>', 'smallest change that matters').argParser(parsePercent).default(0.05, '5%'),
    )
    .option('--budget <seconds>', 'time for the rounds of one implementation', positiveNumber, 50)
    .option('--strict', 'exit with 4 if a verdict is inconclusive')
    .option('--allow-dirty', 'compare the working tree as it stands, with its uncommitted changes')
    .option('--all', 'run implementations whose files are the same on both sides too')
    .option('--github', 'write annotations and the job summary (default in GitHub Actions)')
    .addOption(implementationsOption())
    .addOption(jsonOption())
    .action(compare);
}

/** `5`, `5%` or `0.5%`, as a fraction. */
function parsePercent(text: string): number {
  const percent = positiveNumber(text.replace(/%$/, ''));
  if (percent > 100) throw new InvalidArgumentError('Expected at most 100%.');
  return percent / 100;
}

async function compare(names: readonly string[], flags: CompareFlags, command: Command): Promise<void> {
  const json = await jsonOutput(flags.json);
  if (flags.base === undefined) {
    refuseFlagsOfRevisions(command);
    keepInputs(json.targets, names);
  }
  const comparison =
    flags.base === undefined
      ? await compareFiles(names, flags)
      : await compareRevisions(flags.base, names, flags, json);
  const { stream } = json;
  stream.write(`${comparisonTable(comparison, terminalPage(stream))}\n`);
  await json.write(comparison);
  if (flags.github || runsInGitHubActions()) {
    for (const line of annotations(comparison)) stream.write(`${line}\n`);
    await appendJobSummary(comparison).catch((error) => {
      // The verdict is worth more than the summary.
      console.error(`warning: GITHUB_STEP_SUMMARY cannot be written (${printableLine(messageOf(error))})`);
    });
  }
  process.exitCode = comparisonExitCode(comparison, flags.strict === true);
}

/** Other flags would set what stored results were measured with. */
const flagsOfFiles = ['threshold', 'strict', 'github', 'json'];

function refuseFlagsOfRevisions(command: Command): void {
  const given = command.options.find(
    (option) =>
      !flagsOfFiles.includes(option.attributeName()) && command.getOptionValueSource(option.attributeName()) === 'cli',
  );
  if (given !== undefined) {
    throw new UsageError(
      `${given.long} needs --base: name the revision to compare with, or leave it out for two files`,
    );
  }
}

async function compareFiles(files: readonly string[], flags: CompareFlags): Promise<Comparison> {
  const [base, head] = files;
  if (base === undefined || head === undefined || files.length > 2) {
    throw new UsageError(
      `expected --base REVISION or two results files, got ${files.length === 1 ? 'one file' : `${files.length} files`}`,
    );
  }
  const [before, after] = [await readResult(base), await readResult(head)];
  return compareStored(
    { file: base, result: before },
    { file: head, result: after },
    flags.threshold,
    new Date().toISOString(),
  );
}

async function compareRevisions(
  baseName: string,
  names: readonly string[],
  flags: CompareFlags,
  json: JsonOutput,
): Promise<Comparison> {
  const signal = interruptSignal();
  if (isInstalled) {
    throw new UsageError(
      'compare: got an installed package; expected a checkout of microgpt-bench; compare stored results, or clone it',
    );
  }
  const base = await resolveRevision(projectRoot, baseName);
  const { notes, ...head } = await headToCompare(flags);
  const task = await prepareTask(taskRequest(flags));
  const status = statusLine();
  const say = (line: string) => {
    status.clear();
    process.stderr.write(`${fitted(line, process.stderr)}\n`);
  };
  const checkouts: Checkout[] = [];
  const folderOf = async ({ name, commit }: Comparison['head']): Promise<string> => {
    if (commit === undefined) return projectRoot;
    status.show(`checking out ${name}`);
    const checkout = await checkOut(projectRoot, { name, commit }, signal);
    checkouts.push(checkout);
    say(`${name} (${commit.slice(0, 7)}): ${dependenciesText[checkout.dependencies]}`);
    return checkout.folder;
  };
  try {
    const baseFolder = await folderOf(base);
    const headFolder = await folderOf(head);
    const roots = [implementationsRoot, ...flags.impls].map((folder) => pathInProject(folder));
    const implementationsIn = async (folder: string, { name }: { readonly name: string }) => {
      const [own = '', ...added] = roots.map((root) => join(folder, root));
      if (!existsSync(own)) throw new UsageError(`${name} has no folder ${roots[0]}: nothing to compare`);
      return discoverWith(added.filter(existsSync), own);
    };
    const pairs = pairImplementations(
      await implementationsIn(baseFolder, base),
      await implementationsIn(headFolder, head),
      names,
    );
    const unchanged = flags.all ? [] : await unchangedPairs(pairs, baseFolder, headFolder);
    const prefix = (await git(projectRoot, ['rev-parse', '--show-prefix'])).stdout.trim();
    // `HEAD~1:impls/…`, as git writes it, says more than the path of a temporary folder.
    const withoutCheckouts = (reason: string) =>
      reason
        .replaceAll(join(baseFolder, sep), `${base.name}:`)
        .replaceAll(join(headFolder, sep), head.commit === undefined ? '' : `${head.name}:`);
    const expectation =
      unchanged.length === pairs.length
        ? undefined
        : await expectationOf(task, await discoverWith([]), {
            signal,
            onProgress: (done, steps, source) => status.show(`reference ${source}: step ${done} of ${steps}`),
          });
    const comparison: Comparison = {
      schemaVersion: SCHEMA_VERSION,
      createdAt: new Date().toISOString(),
      evidence: 'paired',
      base,
      head,
      threshold: flags.threshold,
      task: task.description,
      rows: [],
      notes: [...notes, ...(expectation?.warnings ?? [])],
    };
    for (const pair of pairs) {
      status.show(`${pair.name}: verifying base and head`);
      const found =
        expectation === undefined || unchanged.includes(pair)
          ? unchangedRow(pair)
          : await comparePair(pair, {
              expectation,
              signal,
              limits: {
                threshold: flags.threshold,
                budgetNanoseconds: flags.budget * 1e9,
                onRound: ({ confirming, rounds, ratio }) =>
                  status.show(
                    `${pair.name}: ${confirming ? 'confirming, ' : ''}round ${rounds}, ${percentChange(ratio)}`,
                  ),
              },
            });
      const folder = pair.head === undefined ? undefined : relative(headFolder, pair.head.folder);
      const row = {
        ...found,
        reason: withoutCheckouts(found.reason),
        ...(folder === undefined ? {} : { manifest: `${prefix}${folder.split(sep).join('/')}/impl.json` }),
      };
      comparison.rows.push(row);
      if (flags.json !== '-') await json.write(comparison);
      if (row.status === 'compared') say(`${pair.name}: ${percentChange(row.ratio.median)}, ${row.verdict}`);
      else if (row.status !== 'unchanged') say(`${pair.name}: ${row.status}`);
    }
    return comparison;
  } finally {
    status.clear();
    for (const checkout of checkouts) await checkout.remove();
  }
}

/** Relative to the project, so that it can be found in a checkout too. @throws UsageError if it lies outside */
function pathInProject(folder: string): string {
  const path = relative(projectRoot, resolve(folder));
  if (isAbsolute(path) || path.startsWith(`..${sep}`)) {
    throw new UsageError(`--impls ${folder}: outside of ${projectRoot}, so no revision holds it; move it inside`);
  }
  return path;
}

const dependenciesText: Record<Checkout['dependencies'], string> = {
  linked: 'same package-lock.json, node_modules linked',
  installed: 'other package-lock.json, npm ci done',
  none: 'no package-lock.json, nothing to install',
};

/** The commit, none for the working tree itself. @throws UsageError for uncommitted changes without `--allow-dirty` */
async function headToCompare({
  head,
  allowDirty,
}: CompareFlags): Promise<Comparison['head'] & Pick<Comparison, 'notes'>> {
  const revision = await resolveRevision(projectRoot, head ?? 'HEAD');
  const files = await uncommittedFiles(projectRoot);
  if (files.length === 0) return { ...revision, notes: [] };
  if (head !== undefined) return { ...revision, notes: [`uncommitted changes are left out: ${listFiles(files)}`] };
  if (!allowDirty) {
    throw new UsageError(
      `uncommitted changes in ${listFiles(files)}; commit them, or compare the tree as it stands with --allow-dirty, or the commit alone with --head HEAD`,
    );
  }
  return {
    name: 'working tree',
    notes: [`head is the working tree with uncommitted changes: ${listFiles(files)}`],
  };
}
