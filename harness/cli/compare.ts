import { existsSync } from 'node:fs';
import { join, sep } from 'node:path';
import { Command, InvalidArgumentError, Option } from 'commander';
import { type Checkout, checkOut } from '../compare/checkout.ts';
import { comparePair, pairImplementations } from '../compare/compare-revisions.ts';
import { exitCodeOf } from '../compare/comparison-exit-code.ts';
import { listFiles, type Revision, resolveRevision, uncommittedFiles } from '../compare/revision.ts';
import { compareStored } from '../compare/stored-results.ts';
import { comparisonTable } from '../present/comparison/comparison-table.ts';
import { annotations, appendJobSummary, runsInGitHubActions } from '../present/comparison/github.ts';
import { terminalPage } from '../present/page.ts';
import { discoverImplementations } from '../program/discover.ts';
import { projectRoot } from '../project.ts';
import type { Comparison } from '../results/comparison.ts';
import { SCHEMA_VERSION } from '../results/schema.ts';
import { readResult } from '../results/store.ts';
import { percentChange } from '../statistics/percent.ts';
import { prepareTask } from '../task/prepare-task.ts';
import { UsageError } from '../usage-error.ts';
import { expectationOf } from '../verify/expectation.ts';
import { addTaskFlags, jsonOption, positiveNumber, type TaskFlags, taskRequest } from './flags.ts';
import { interruptSignal } from './interrupt.ts';
import { checkJsonTarget, writeJson } from './json-output.ts';
import { statusLine } from './status-line.ts';

interface CompareFlags extends TaskFlags {
  readonly base?: string;
  readonly head?: string;
  readonly threshold: number;
  readonly budget: number;
  readonly strict?: true;
  readonly allowDirty?: true;
  readonly github?: true;
  readonly json?: string;
}

export function compareCommand(): Command {
  return addTaskFlags(new Command('compare'))
    .description('compare two revisions side by side, or two stored results, and fail where one became slower')
    .argument('[name...]', 'implementations to compare, all where none is named; without --base, two results files')
    .option('--base <revision>', 'what to compare with: a branch, tag or commit')
    .option('--head <revision>', 'what is new (default: what is checked out here)')
    .addOption(
      new Option('--threshold <percent>', 'smallest change that matters').argParser(parsePercent).default(0.05, '5%'),
    )
    .addOption(
      new Option('--budget <seconds>', 'time for the rounds of one implementation')
        .argParser(positiveNumber)
        .default(50),
    )
    .option('--strict', 'exit with 4 where a verdict is inconclusive')
    .option('--allow-dirty', 'compare the working tree as it stands, uncommitted changes included')
    .option('--github', 'write annotations and the job summary (default inside GitHub Actions)')
    .addOption(jsonOption())
    .action(compare);
}

/** `5`, `5%` or `0.5%`, as a fraction. */
function parsePercent(text: string): number {
  const percent = positiveNumber(text.replace(/%$/, ''));
  if (percent > 100) throw new InvalidArgumentError('Expected at most 100%.');
  return percent / 100;
}

async function compare(names: readonly string[], flags: CompareFlags): Promise<void> {
  await checkJsonTarget(flags.json);
  const comparison =
    flags.base === undefined ? await compareFiles(names, flags) : await compareRevisions(flags.base, names, flags);
  const stream = flags.json === '-' ? process.stderr : process.stdout;
  stream.write(`${comparisonTable(comparison, terminalPage(stream))}\n`);
  if (flags.json !== undefined) await writeJson(flags.json, comparison);
  if (flags.github || runsInGitHubActions()) {
    for (const line of annotations(comparison)) stream.write(`${line}\n`);
    await appendJobSummary(comparison);
  }
  process.exitCode = exitCodeOf(comparison, flags.strict === true);
}

async function compareFiles(files: readonly string[], flags: CompareFlags): Promise<Comparison> {
  if (flags.head !== undefined) throw new UsageError('--head needs --base: name the revision to compare with');
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

async function compareRevisions(baseName: string, names: readonly string[], flags: CompareFlags): Promise<Comparison> {
  const signal = interruptSignal();
  const base = await resolveRevision(projectRoot, baseName);
  const head = await headToCompare(flags);
  const task = await prepareTask(taskRequest(flags));
  const status = statusLine();
  const say = (line: string) => {
    status.clear();
    process.stderr.write(`${line}\n`);
  };
  const checkouts: Checkout[] = [];
  const folderOf = async (revision: Revision): Promise<string> => {
    status.show(`checking out ${revision.name}`);
    const checkout = await checkOut(projectRoot, revision, signal);
    checkouts.push(checkout);
    say(`${revision.name} (${revision.commit.slice(0, 7)}): ${dependenciesText[checkout.dependencies]}`);
    if (!existsSync(join(checkout.folder, 'impls')))
      throw new UsageError(`${revision.name} has no folder impls: nothing to compare`);
    return checkout.folder;
  };
  try {
    const baseFolder = await folderOf(base);
    const headFolder = head.revision === undefined ? projectRoot : await folderOf(head.revision);
    const pairs = await pairImplementations(join(baseFolder, 'impls'), join(headFolder, 'impls'), names);
    // `HEAD~1:impls/…`, as git writes it, says more than where the temporary folder was.
    const withoutCheckouts = (reason: string) =>
      reason
        .replaceAll(join(baseFolder, sep), `${base.name}:`)
        .replaceAll(join(headFolder, sep), head.revision === undefined ? '' : `${head.revision.name}:`);
    const expectation = await expectationOf(task, await discoverImplementations(), {
      signal,
      onProgress: (done, steps, source) => status.show(`reference ${source}: step ${done} of ${steps}`),
    });
    const comparison: Comparison = {
      schemaVersion: SCHEMA_VERSION,
      createdAt: new Date().toISOString(),
      evidence: 'paired',
      base: { name: base.name, commit: base.commit },
      head: head.side,
      threshold: flags.threshold,
      task: task.description,
      rows: [],
      notes: [...head.notes, ...expectation.warnings],
    };
    for (const pair of pairs) {
      status.show(`${pair.name}: verifying base and head`);
      const found = await comparePair(pair, {
        expectation,
        signal,
        limits: {
          threshold: flags.threshold,
          budgetNanoseconds: flags.budget * 1e9,
          onRound: ({ confirming, rounds, ratio }) =>
            status.show(`${pair.name}: ${confirming ? 'confirming, ' : ''}round ${rounds}, ${percentChange(ratio)}`),
        },
      });
      const row = { ...found, reason: withoutCheckouts(found.reason) };
      comparison.rows.push(row);
      if (flags.json !== undefined && flags.json !== '-') await writeJson(flags.json, comparison);
      say(
        `${pair.name}: ${row.status === 'compared' ? `${percentChange(row.ratio.median)}, ${row.verdict}` : row.status}`,
      );
    }
    return comparison;
  } finally {
    status.clear();
    for (const checkout of checkouts) await checkout.remove();
  }
}

const dependenciesText: Record<Checkout['dependencies'], string> = {
  linked: 'same package-lock.json, node_modules linked',
  installed: 'other package-lock.json, npm ci done',
  none: 'no package-lock.json, nothing to install',
};

/** What stands for head: a commit that is checked out elsewhere, or the working tree itself. */
interface Head {
  readonly revision?: Revision;
  readonly side: Comparison['head'];
  readonly notes: string[];
}

/** @throws UsageError where the working tree has uncommitted changes that nobody allowed */
async function headToCompare({ head, allowDirty }: CompareFlags): Promise<Head> {
  const revision = await resolveRevision(projectRoot, head ?? 'HEAD');
  const named = { revision, side: { name: revision.name, commit: revision.commit } };
  const files = await uncommittedFiles(projectRoot);
  if (files.length === 0) return { ...named, notes: [] };
  if (head !== undefined) return { ...named, notes: [`uncommitted changes take no part: ${listFiles(files)}`] };
  if (!allowDirty) {
    throw new UsageError(
      `uncommitted changes in ${listFiles(files)}; commit them, or compare the tree as it stands with --allow-dirty, or the commit alone with --head HEAD`,
    );
  }
  return {
    side: { name: 'working tree' },
    notes: [`head is the working tree with uncommitted changes: ${listFiles(files)}`],
  };
}
