import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { commandLine } from '../../project.ts';
import type { HistoryRecord, Trend } from '../../results/history.ts';
import { rowName, taskName } from '../../results/names.ts';
import {
  type Published,
  type PublishedRow,
  type PublishedTable,
  publishedSpeedup,
  publishedTableFor,
} from '../../results/published.ts';
import { type BenchResult, type CheckResult, isFailure, isVerified, type Row } from '../../results/schema.ts';
import { factorBetween, ratioOver } from '../../results/speedup.ts';
import { claimColumns } from '../claims-table.ts';
import { type Column, left, right, rightWhere } from '../column-table.ts';
import {
  formatCount,
  formatFactor,
  formatIfAny,
  formatMebibytes,
  formatNumber,
  formatPercent,
  formatRatio,
  formatRowTime,
  UNSTEADY,
} from '../number-format.ts';
import { sizeTable } from '../scaling-table.ts';
import { answerSection } from './answer.ts';
import { barsChart, ladderChart, ladderOf, timeRange } from './bars-chart.ts';
import type { Chart } from './chart.ts';
import { historyChart } from './history-chart.ts';
import { type Html, html, htmlTable, numbers, trusted } from './html.ts';
import { lossSection } from './losses.ts';
import { type MachineReport, trendsOfMachine } from './machine-report.ts';
import { cssVariables } from './palette.ts';
import { bySize, costChart, rateChart } from './size-chart.ts';

interface ReportContents {
  /** At least one. */
  readonly machines: readonly MachineReport[];
  readonly history: readonly HistoryRecord[];
  readonly published: Published;
  /** What `check` found of the headline's task, with the losses of every row. */
  readonly check?: CheckResult;
}

const WIDE_PIXELS = 880;
/** A phone's 360 pixels without the margins. */
const NARROW_PIXELS = 328;

/** The report as one HTML document, without scripts or network. Sections follow the order of a reader's questions. */
export function reportPage({ machines, history, published, check }: ReportContents): string {
  const [{ result }] = machines;
  const style = trusted(
    `:root{${cssVariables('light')}}@media (prefers-color-scheme:dark){:root{${cssVariables('dark')}}}${readFileSync(join(import.meta.dirname, 'page.css'), 'utf8')}`,
  );
  const title = `microgpt-bench: ${taskName(result.task)}`;
  const page = html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>${title}</title>
<style>${style}</style>
</head>
<body>
<header><h1>microgpt-bench</h1>
<p>One tiny GPT, trained by many implementations; every loss is verified before a time is believed. ${taskName(result.task)}, ${result.createdAt.slice(0, 10)}.</p></header>
<main>
${machines.map(({ result, name }) => answerSection(result, name))}
${section('How long a document takes', barsSection(machines))}
${section('What others have published', claimsSection(machines[0], published))}
${section('What each idea brought', perMachine(machines, ladderSection))}
${section('Cost against size', perMachine(machines, sizeSection))}
${section('Loss curves', check === undefined ? noLosses : lossSection(check, result.rows, figure))}
${section('Is it right?', perMachine(machines, verificationSection))}
${section(
  'From run to run',
  perMachine(machines, (machine) => historySection(trendsOfMachine(machine, history))),
)}
${section('How it was measured', perMachine(machines, measurementSection))}
${section('Repeat it', perMachine(machines, repeatSection))}
</main>
</body>
</html>
`;
  return page.markup;
}

const noLosses = html`<p>Results keep no losses. <code>${commandLine('check', '--json', 'losses.json')}</code> writes those of every row, and <code>${commandLine('report', '--losses', 'losses.json')}</code> draws them here.</p>`;

function section(title: string, content: Html): Html {
  return html`<section><h2>${title}</h2>${content}</section>`;
}

function perMachine(machines: readonly MachineReport[], content: (machine: MachineReport) => Html): Html {
  return html`${machines.map((machine) => html`${machines.length > 1 ? html`<h3>${machine.name}</h3>` : ''}${content(machine)}\n`)}`;
}

/** Draws the chart twice, for wide and narrow pages: text that shrinks with its picture cannot be read on a phone. */
function figure(chart: Chart, caption: string): Html {
  return html`<figure><div class="wide">${chart(WIDE_PIXELS)}</div><div class="narrow">${chart(NARROW_PIXELS)}</div><figcaption>${caption}</figcaption></figure>`;
}

function barsSection(machines: readonly MachineReport[]): Html {
  const range = timeRange(machines.map(({ result }) => result));
  return perMachine(machines, ({ result }) => {
    const rounds = Math.max(0, ...result.rows.filter(isVerified).map((row) => row.roundsMicrosecondsPerSample.length));
    const caption = `Shorter is faster. A bar ends at the ${rounds === 1 ? 'time of one process.' : `median of ${rounds} processes; the line is its 95% interval, each dot one process.`}${result.baselines.length > 0 ? ` × is how many times faster than ${result.baselines[0].row}, round by round.` : ''}`;
    return html`${figure(barsChart(result, range), caption)}${htmlTable('Every row', timeColumns(result), result.rows, rowClass)}`;
  });
}

function rowClass(row: Row): string | undefined {
  if (isVerified(row)) return undefined;
  return isFailure(row) ? 'wrong' : 'idle';
}

const implementation = left<Row>('implementation', rowName);
const timed = rightWhere(isVerified);

function timeColumns({ baselines }: BenchResult): readonly Column<Row>[] {
  return [
    implementation,
    left('language', ({ language, precision }) => `${language}, ${precision}`),
    right('µs a document', (row) => (isVerified(row) ? formatNumber(row.microsecondsPerSample.median) : row.status)),
    timed('95% interval', ({ microsecondsPerSample: { low, high }, roundsMicrosecondsPerSample }) =>
      roundsMicrosecondsPerSample.length < 2 ? '' : `${formatNumber(low)} to ${formatNumber(high)}`,
    ),
    ...baselines.map(({ row: baseline }) =>
      timed(`× ${baseline}`, (row) => formatRatio(ratioOver(row, baseline), row.roundsMicrosecondsPerSample.length)),
    ),
  ];
}

const besideTime: readonly Column<Row>[] = [
  implementation,
  timed('documents timed', ({ samplesMeasured }) => formatCount(samplesMeasured)),
  timed('start-up, ms', ({ startupMilliseconds }) => formatNumber(startupMilliseconds)),
  timed('build, ms', ({ buildMilliseconds }) => formatIfAny(buildMilliseconds)),
  timed('peak memory, MiB', ({ peakRssBytes }) => formatIfAny(peakRssBytes, formatMebibytes)),
  timed('GFLOP/s of matrix work', ({ gflops }) => formatIfAny(gflops)),
  timed('cores used', ({ coresUsed }) => formatIfAny(coresUsed, (cores) => formatNumber(cores, 2))),
  timed('settled before timing', ({ steady }) => (steady ? 'yes' : 'no')),
];

function claimsSection({ result }: MachineReport, published: Published): Html {
  const table = publishedTableFor(published, result.task);
  if (table === undefined) return html`<p>Nothing is published for a model of this size.</p>`;
  const { source, machine, dataset } = published;
  return html`<p>Other machines, other clocks: compare the factors, not the times. Published on ${machine}, ${dataset}; <a href="${source.url}">${source.author}, ${source.title}</a>.</p>${
    result.claims.length === 0 ? undefined : htmlTable('Published factors beside ours', claimColumns, result.claims)
  }${numbers(htmlTable(`Published for ${table.preset}`, publishedColumns(table), table.rows), 'The published times')}`;
}

function publishedColumns(table: PublishedTable): readonly Column<PublishedRow>[] {
  return [
    left(
      'published',
      ({ implementation, batch }) => `${implementation}${batch === undefined ? '' : `, batch ${batch}`}`,
    ),
    left('language', ({ language }) => language),
    right('µs a document', ({ microsecondsPerSample }) => formatNumber(microsecondsPerSample)),
    right('× its CPython', (row) => formatIfAny(publishedSpeedup(row, table), formatFactor)),
  ];
}

function ladderSection({ result }: MachineReport): Html {
  const rungs = ladderOf(result);
  if (rungs.length < 2) return html`<p>The ladder needs more than one verified row.</p>`;
  const total = factorBetween(rungs[rungs.length - 1].row, rungs[0].row);
  const columns: readonly Column<(typeof rungs)[number]>[] = [
    left('implementation', ({ row }) => rowName(row)),
    left('idea', ({ idea }) => idea),
    right('µs a document', ({ row }) => formatRowTime(row)),
    right('times faster than the row before', ({ factor }) => formatIfAny(factor, formatFactor)),
  ];
  const caption = `From the slowest row to the fastest in ${rungs[rungs.length - 1].row.language}, each adds one idea; pale is the time that it took away. Together ${formatFactor(total)}.`;
  return html`${figure(ladderChart(result), caption)}${numbers(htmlTable('What each idea brought', columns, rungs))}`;
}

function sizeSection({ sizes }: MachineReport): Html {
  const single = bySize(sizes);
  const { columns, names } = sizeTable(sizes, (row) => {
    const share = row.fractionOfPeak === undefined ? '' : ` (${formatPercent(row.fractionOfPeak)})`;
    return `${formatRowTime(row)}${share}`;
  });
  const caption = `µs a document with its 95% interval, and the share of one core’s peak; ${UNSTEADY}`;
  const table = sizes.length > 1 ? numbers(htmlTable(caption, columns, names)) : undefined;
  if (single.length === 0)
    return html`<p>One size was measured. <code>${commandLine('bench', '--scaling')}</code> measures the others.</p>${table}`;
  const { nativePeakGflops: peak } = single[0].machine;
  const roof =
    peak === undefined
      ? ''
      : ` Dashed: the peak of one core by native code, measured in the same run (${formatNumber(peak.float32)} GFLOP/s in float32, ${formatNumber(peak.float64)} in float64).`;
  return html`${figure(costChart(single), `Lower is faster.${roof}`)}${figure(rateChart(single), `Higher is faster.${roof} Only rows on several cores can pass it.`)}${table}`;
}

function verificationSection({ result }: MachineReport): Html {
  const columns: readonly Column<Row>[] = [
    implementation,
    left('verdict', (row) => (isVerified(row) ? 'verified' : `${row.status}: ${row.reason}`)),
    timed('timed steps that a second process repeated', ({ stepsVerified }) => formatCount(stepsVerified)),
    timed('steps checked one by one', ({ stepsForced }) => formatCount(stepsForced)),
    timed('largest error, of what rounding allows', ({ fractionOfBound }) => formatPercent(fractionOfBound)),
  ];
  const timedRows = result.rows.filter(isVerified);
  const worst = Math.max(0, ...timedRows.map(({ fractionOfBound }) => fractionOfBound));
  const wrong = result.rows.filter(isFailure).length;
  const verdict = `${timedRows.length} ${timedRows.length === 1 ? 'row is' : 'rows are'} verified, ${wrong === 0 ? 'none is' : wrong === 1 ? '1 is' : `${wrong} are`} wrong or broken. The largest error of any verified step is ${formatPercent(worst)} of what rounding alone allows.`;
  return html`<p>${verdict} Every loss of every timed lap is repeated to the last bit by a second process of the row; there, single steps are checked against a float64 model from the row's own state: loss, gradient and update. A row that differs gets no time.</p>${htmlTable('What was checked, and how closely it agreed', columns, result.rows, rowClass)}`;
}

function historySection(trends: readonly Trend[]): Html {
  const longest = Math.max(0, ...trends.map(({ points }) => points.length));
  if (longest < 2) return html`<p>The history needs two runs of this task on this machine; it has ${longest}.</p>`;
  const steps = trends.flatMap(({ implementation, steps }) => steps.map((step) => ({ implementation, ...step })));
  const columns: readonly Column<(typeof steps)[number]>[] = [
    left('implementation', (step) => step.implementation),
    left('since', ({ at }) => at.createdAt.slice(0, 10)),
    left('commit', ({ at }) => at.commit?.slice(0, 10) ?? 'unknown'),
    right('change of time', ({ ratio }) => `${ratio > 1 ? '+' : '−'}${formatPercent(Math.abs(ratio - 1))}`),
  ];
  return html`${figure(historyChart(trends), 'Red lines: steps of the level, where noise cannot explain them.')}${
    steps.length === 0
      ? html`<p>No step was detected in ${longest} runs.</p>`
      : htmlTable('Detected steps', columns, steps)
  }`;
}

function repeatSection({ result }: MachineReport): Html {
  return html`<p>The same documents come first again with <code>bench --like FILE</code>, where FILE is the stored result.</p><pre>${repeatCommands(result)}</pre>`;
}

/** With the names of the fields in the file, so that new fields are shown too. */
function measurementSection({ result }: MachineReport): Html {
  const { machine, runtime, noise, task } = result;
  const { warnings, calibratorMicroseconds: _, ...quiet } = noise;
  return html`<p>Rounds go through the rows in random order. Each row runs in a fresh process in every round, is warmed up until steady, and yields one figure; the table has the median of the rounds.</p>
${warnings.map((warning) => html`<p class="wrong">Warning: ${warning}</p>`)}
${numbers(htmlTable('Beside the time', besideTime, result.rows.filter(isVerified)), 'Start-up, memory, rate')}
${definitions('Machine', machine)}${definitions('Runtime of the TypeScript rows', runtime)}${definitions('Task', task)}${definitions('Noise', quiet)}${
  result.commit === undefined ? undefined : definitions('Code', { commit: result.commit })
}`;
}

function definitions(title: string, record: object): Html {
  const entries = flatten(record);
  if (entries.length === 0) return html``;
  // `memoryBytes` as `memory bytes`.
  const inWords = (name: string) => name.replaceAll(/(?<=[a-z0-9])[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);
  return html`<h3>${title}</h3><dl>${entries.map(([name, value]) => html`<dt>${inWords(name)}</dt><dd>${value}</dd>`)}</dl>`;
}

function flatten(record: object, prefix = ''): [name: string, value: string][] {
  return Object.entries(record).flatMap(([key, value]): [string, string][] => {
    const name = prefix === '' ? key : `${prefix} ${key}`;
    if (value === undefined || value === null) return [];
    if (typeof value === 'object') return flatten(value, name);
    if (typeof value !== 'number') return [[name, String(value)]];
    return [[name, Number.isInteger(value) ? formatCount(value) : formatNumber(value)]];
  });
}

/** The commands that measure a result again. */
function repeatCommands({ commit, command }: BenchResult): string {
  const [name, ...words] = command.map(shellWord);
  return [
    ...(commit === undefined ? [] : [`git checkout ${shellWord(commit.replace(/-dirty$/, ''))}`]),
    'npm ci',
    ['npm run', name, ...(words.length === 0 ? [] : ['--', ...words])].join(' '),
  ].join('\n');
}

/** Quoted as a POSIX shell needs it. */
function shellWord(text: string): string {
  return /^[\w./:@=-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}
