import { coefficientOfVariation, median, medianAbsoluteDeviation } from 'simple-statistics';
import { segmentsOf } from '../../harness/statistics/change-point.ts';
import {
  type Interval,
  independentMedianInterval,
  medianInterval,
  relativeHalfWidth,
} from '../../harness/statistics/median-interval.ts';
import { outlierIndexes } from '../../harness/statistics/outliers.ts';
import { independentRatioInterval } from '../../harness/statistics/ratio-interval.ts';
import { isSteady } from '../../harness/statistics/steadiness.ts';
import { isPreciseEnough } from '../../harness/statistics/stopping.ts';
import { PythonRandom } from '../../harness/task/python-random.ts';
import { autocorrelated } from '../../harness/testing/autocorrelated.ts';
import { alignedTable, keepFigures } from './page.ts';

const random = new PythonRandom(2026);

type Row = readonly [what: string, simple: string, used: string];

/** Tests the promises of the statistics by simulation and writes the figures into docs/trust.md. Takes a minute. */
export async function measureStatistics(): Promise<void> {
  const rows: readonly Row[] = [
    ...[6, 7, 10, 20].map((rounds) => coverage(rounds, 0)),
    ...[0.3, 0.5, 0.7].flatMap((correlation) => [7, 10, 20].map((rounds) => coverage(rounds, correlation))),
    ...skewedCoverage(),
    ...[0.01, 0.02, 0.05].map((noise) => stopping(noise, 0)),
    stopping(0.02, 0.5),
    ratioCoverage(),
    ...[5, 7, 10, 20, 40].map(marks),
    ...[0.005, 0.01].flatMap((noise) => [0, 0.01].map((slope) => steadiness(noise, slope))),
    ...[0, 0.3, 0.5, 0.7, 0.8].map((correlation) => falseSteps(30, correlation)),
    falseSteps(100, 0.5),
    ...[0, 0.5].flatMap((correlation) => [3, 4, 5, 8].map((deviations) => power(correlation, deviations))),
  ];
  const table = alignedTable([['simulated', 'by the simple rule', 'by the rule in use'], ...rows]);
  console.log(table);
  await keepFigures('npm run trust-figures -- statistics', table);
}

/** The percentage of `cases` simulated cases for which `isSo` holds. */
function share(cases: number, isSo: () => boolean): number {
  let count = 0;
  for (let i = 0; i < cases; i++) if (isSo()) count++;
  return (100 * count) / cases;
}

const percent = (figure: number) => `${figure.toFixed(1)}%`;
const times = (noise: readonly number[], deviation: number) => noise.map((x) => 100 * Math.exp(deviation * x));
const holds = ({ low, high }: Interval, truth: number) => low <= truth && truth <= high;

function coverage(rounds: number, correlation: number): Row {
  const cases = 4000;
  const widths = { simple: 0, used: 0 };
  const hits = { simple: 0, used: 0 };
  for (let i = 0; i < cases; i++) {
    const samples = times(autocorrelated(random, rounds, correlation), 0.01);
    for (const [rule, interval] of [
      ['simple', independentMedianInterval(samples)],
      ['used', medianInterval(samples)],
    ] as const) {
      if (holds(interval, 100)) hits[rule]++;
      widths[rule] += relativeHalfWidth(interval) / cases;
    }
  }
  const figure = (rule: 'simple' | 'used') =>
    `${percent((100 * hits[rule]) / cases)}, ±${(100 * widths[rule]).toFixed(2)}%`;
  return [
    `95% interval of ${rounds} rounds with 1% noise, neighbours correlated by ${correlation}: covers, half width`,
    figure('simple'),
    figure('used'),
  ];
}

function skewedCoverage(): readonly Row[] {
  const draws: readonly (readonly [string, () => number])[] = [
    ['right-skewed', () => 100 * Math.exp(0.02 * Math.exp(random.gauss(0, 0.8)))],
    [
      'disturbed one time in five',
      () => 100 + random.gauss(0, 0.5) + (random.random() < 0.2 ? 20 * random.random() : 0),
    ],
  ];
  return draws.flatMap(([name, draw]) => {
    const truth = median(Array.from({ length: 200_000 }, draw));
    return [3, 5, 7, 10].map((rounds): Row => {
      const sets = Array.from({ length: 3000 }, () => Array.from({ length: rounds }, draw));
      const covered = (rule: (samples: readonly number[]) => Interval) =>
        percent((100 * sets.filter((samples) => holds(rule(samples), truth)).length) / sets.length);
      return [
        `the same of ${rounds} rounds, ${name}: covers`,
        covered(independentMedianInterval),
        covered(medianInterval),
      ];
    });
  });
}

function stopping(noise: number, correlation: number): Row {
  const most = 40;
  const until = (isEnough: (samples: readonly number[]) => boolean) => {
    const samples = times(autocorrelated(random, most, correlation), noise);
    let rounds = 1;
    while (rounds < most && !isEnough(samples.slice(0, rounds))) rounds++;
    return samples.slice(0, rounds);
  };
  const precision = noise > 0.02 ? 0.02 : 0.01;
  const atOnce = () =>
    until((samples) => samples.length >= 10 && relativeHalfWidth(independentMedianInterval(samples)) <= precision);
  return [
    `rounds added until ±${100 * precision}%, ${100 * noise}% noise, neighbours correlated by ${correlation}: covers`,
    percent(share(3000, () => holds(independentMedianInterval(atOnce()), 100))),
    percent(share(3000, () => holds(medianInterval(until((samples) => isPreciseEnough(samples, precision))), 100))),
  ];
}

function ratioCoverage(): Row {
  const draw = () => times(autocorrelated(random, 5, 0), 0.02);
  return [
    'ratio of two rows measured apart, 5 processes each: covers',
    '',
    percent(share(4000, () => holds(independentRatioInterval(draw(), draw()), 1))),
  ];
}

function marks(rounds: number): Row {
  const rows = Array.from({ length: 5000 }, () => times(autocorrelated(random, rounds, 0), 0.01));
  const byFixedCut = (samples: number[]) => {
    const center = median(samples);
    const deviation = medianAbsoluteDeviation(samples);
    return samples.some((sample) => (0.6745 * Math.abs(sample - center)) / deviation > 3.5);
  };
  const marked = (isMarked: (samples: number[]) => boolean) =>
    percent((100 * rows.filter(isMarked).length) / rows.length);
  return [
    `rows of ${rounds} normal rounds that get an outlier mark`,
    marked(byFixedCut),
    marked((samples) => outlierIndexes(samples).length > 0),
  ];
}

function steadiness(noise: number, slope: number): Row {
  const windows = Array.from({ length: 5000 }, () =>
    times(autocorrelated(random, 5, 0), noise).map((time, lap) => time * (1 - slope) ** lap),
  );
  const steady = (isSo: (laps: number[]) => boolean) => percent((100 * windows.filter(isSo).length) / windows.length);
  return [
    `five laps with ${100 * noise}% noise, ${slope === 0 ? 'no trend' : `each ${100 * slope}% faster`}: called steady`,
    steady((laps) => coefficientOfVariation(laps) < 0.02),
    steady(isSteady),
  ];
}

function history(runs: number, correlation: number, step: number): readonly number[] {
  return autocorrelated(random, runs, correlation).map((x, run) => Math.exp(0.05 * (x + (run < runs / 2 ? 0 : step))));
}

function falseSteps(runs: number, correlation: number): Row {
  return [
    `flat histories of ${runs} runs, neighbours correlated by ${correlation}: show a step`,
    '',
    percent(share(1000, () => segmentsOf(history(runs, correlation, 0)).length > 1)),
  ];
}

function power(correlation: number, deviations: number): Row {
  return [
    `a step of ${deviations} deviations amid 30 runs, neighbours correlated by ${correlation}: found within two runs`,
    '',
    percent(
      share(500, () =>
        segmentsOf(history(30, correlation, deviations)).some(({ from }) => Math.abs(from - 15) <= 2 && from > 0),
      ),
    ),
  ];
}
