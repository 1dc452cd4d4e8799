import { rowName } from '../../results/names.ts';
import { type BenchResult, isVerified } from '../../results/schema.ts';
import { baselineWithRole, factorBetween, ratioOver } from '../../results/speedup.ts';
import { formatFactor, formatNumber, formatRatio } from '../number-format.ts';
import { byTime } from './bars-chart.ts';
import { type Html, html } from './html.ts';
import { languageColor } from './palette.ts';

/** The fastest row, and what it is measured against: CPython's own row, then the fastest of every other language. */
export function answerSection(result: BenchResult, machine: string): Html {
  const timed = result.rows.filter(isVerified).toSorted(byTime);
  if (timed.length === 0)
    return html`<p class="answer">No row was verified on ${machine}, so there is no time to show.</p>`;
  const [fastest] = timed;
  const python = baselineWithRole(result, 'python-baseline')?.row;
  const cpython = timed.find((row) => rowName(row) === python);
  const best = [...Map.groupBy(timed, ({ language }) => language).values()]
    .map(([first]) => first)
    .filter((row) => row.language !== fastest.language && row.language !== cpython?.language);
  const against = [
    ...(cpython === undefined || cpython === fastest ? [] : [{ name: 'CPython', row: cpython }]),
    ...best.toReversed().map((row) => ({ name: row.language, row })),
  ];
  const processes = fastest.roundsMicrosecondsPerSample.length;
  const rivals = against.map((rival) => {
    const factor = formatFactor(factorBetween(fastest, rival.row));
    // A baseline's ratio was taken round by round and has an interval.
    return { ...rival, factor, ratio: formatRatio(ratioOver(fastest, rowName(rival.row)), processes) || factor };
  });
  const { median, low, high } = fastest.microsecondsPerSample;
  const interval = processes < 2 ? html`` : html`95% interval ${formatNumber(low)} to ${formatNumber(high)} µs. `;
  return html`<p class="answer"><b>${rowName(fastest)}</b> (${fastest.language}) trains on a document in <b>${formatNumber(median)} µs</b>${rivals.map(
    ({ name, ratio }, i) => html`${i === 0 ? html`: ` : html`, `}<b>${ratio}</b> ${name}`,
  )}.</p>
<p class="note">${interval}Measured on ${machine}.</p>
<ul class="tiles">${rivals.map(
    ({ name, row, factor }) =>
      html`<li style="border-color:${languageColor(row.language)}"><b>${factor}</b> <span>as fast as ${name}</span> <small>${rowName(row)}, ${formatNumber(row.microsecondsPerSample.median)} µs</small></li>`,
  )}</ul>`;
}
