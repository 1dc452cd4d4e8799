import { median } from 'simple-statistics';

/** A stretch between two changes: `from` is inclusive, `to` exclusive. */
interface Segment {
  readonly from: number;
  readonly to: number;
  readonly median: number;
}

/** One odd run, or two, are no change of level. */
const SHORTEST_SEGMENT = 3;

/** So small a deviation (0.5% in the logarithm) is taken for noise, however quiet the series. */
const SMALLEST_DEVIATION = 0.005;

/**
 * What a change must lower the logarithm of the unexplained variance by, times the degrees of freedom left. Measured, so that
 * at most 5% of flat histories show a step, for 8 to 100 runs whose neighbours are correlated by 0 to 0.8: `npm run
 * trust-figures -- statistics`, figures in docs/trust.md.
 */
const PENALTY = 16;

/** More changes than the best fit has are tried: two steps, up and down again, may each explain little alone. */
const LOOK_AHEAD = 3;

const CORRELATIONS: readonly number[] = Array.from({ length: 10 }, (_, tenth) => tenth / 10);

/**
 * Levels of a series of positive figures, oldest first.
 *
 * A machine that is slow today is slow tomorrow, so a flat history wanders: noise is a first-order autoregression, x_t - μ = ρ
 * (x_{t-1} - μ) + e_t, about a level μ that may step. Level, steps and ρ are fitted together by least squares on logarithms,
 * exactly for every number of steps (Lavielle & Moulines, "Least-squares estimation of an unknown number of shifts in a time
 * series", Journal of Time Series Analysis 21(1), 2000). A step is believed if it explains more than ρ alone does, by the
 * likelihood ratio of the two fits against a bound measured by simulation. Figures further than 3 deviations from the median of
 * their neighbourhood are first pulled in to that distance, so that one odd run is no segment.
 *
 * @throws RangeError if a figure is not positive and finite
 */
export function segmentsOf(series: readonly number[]): readonly Segment[] {
  if (series.some((figure) => !(figure > 0 && Number.isFinite(figure)))) {
    throw new RangeError('a series of times holds positive numbers only');
  }
  if (series.length === 0) return [];
  const logarithms = series.map(Math.log);
  const clamped = clampOutliers(logarithms, 3 * noiseDeviation(logarithms));
  const bounds = [0, ...onNearerLevel(clamped, believedStarts(clamped)), series.length];
  return bounds.slice(1).map((to, i) => ({ from: bounds[i], to, median: median(series.slice(bounds[i], to)) }));
}

/** Start indexes of the segments after the first. */
function believedStarts(logarithms: readonly number[]): readonly number[] {
  const n = logarithms.length;
  const fits = CORRELATIONS.map((correlation) => levelFits(logarithms, correlation));
  const best = (changes: number) => fits.map((fitWith) => fitWith(changes)).reduce((a, b) => (b.cost < a.cost ? b : a));
  // A floor under the noise, of the n - 1 differences there are.
  const variance = (cost: number) => cost + (n - 1) * SMALLEST_DEVIATION ** 2;

  let believed: LevelFit = { cost: best(0).cost, starts: [] };
  for (let changes = 1; changes <= believed.starts.length + LOOK_AHEAD; changes++) {
    const freedom = n - 1 - 2 * changes;
    if ((changes + 1) * SHORTEST_SEGMENT > n || freedom <= 0) break;
    const rival = best(changes);
    const gain = freedom * Math.log(variance(believed.cost) / variance(rival.cost));
    if (gain > PENALTY * (changes - believed.starts.length)) believed = rival;
  }
  return believed.starts;
}

/** A floor under the noise, of the n - 1 differences. */
function onNearerLevel(logarithms: readonly number[], starts: readonly number[]): readonly number[] {
  return starts.map((start, i) => {
    const before = median(logarithms.slice(starts[i - 1] ?? 0, start));
    const after = median(logarithms.slice(start + 1, starts[i + 1]));
    return Math.abs(logarithms[start] - before) < Math.abs(logarithms[start] - after) ? start + 1 : start;
  });
}

interface LevelFit {
  /** The first figure of a segment decides nothing in the fit: it joins the nearer level. */
  readonly cost: number;
  /** Start indexes of the segments after the first. */
  readonly starts: readonly number[];
}

/**
 * Best fits of levels with 0, 1, 2 … changes to a series whose neighbours are correlated by a given ρ, each the exact minimum
 * over all places of the changes (dynamic programming: Jackson et al., "An Algorithm for Optimal Partitioning of Data on an
 * Interval", IEEE Signal Processing Letters 12(2), 2005). The first figure of a segment lies between two levels and counts for
 * neither.
 */
export function levelFits(series: readonly number[], correlation: number): (changes: number) => LevelFit {
  const { length } = series;
  /** Running sums of x_t - ρ x_{t-1}, and of its square. */
  const [sums, squares] = [
    [0, 0],
    [0, 0],
  ];
  for (let t = 1; t < length; t++) {
    const change = series[t] - correlation * series[t - 1];
    sums.push(sums[t] + change);
    squares.push(squares[t] + change * change);
  }
  const costOf = (from: number, to: number): number => {
    if (to - from < 2) return 0;
    const sum = sums[to] - sums[from + 1];
    return Math.max(0, squares[to] - squares[from + 1] - sum ** 2 / (to - from - 1));
  };
  /** For each number of changes: the least cost of the first `to` figures, and where their last segment starts. */
  const layers: { readonly cost: Float64Array; readonly start: Int32Array }[] = [];
  const addLayer = () => {
    const before = layers.at(-1);
    const earliest = layers.length * SHORTEST_SEGMENT;
    const cost = new Float64Array(length + 1).fill(Number.POSITIVE_INFINITY);
    const start = new Int32Array(length + 1);
    for (let to = earliest + 1; to <= length; to++) {
      if (before === undefined) cost[to] = costOf(0, to);
      else {
        for (let from = earliest; from <= to - SHORTEST_SEGMENT; from++) {
          const total = before.cost[from] + costOf(from, to);
          if (total >= cost[to]) continue;
          cost[to] = total;
          start[to] = from;
        }
      }
    }
    layers.push({ cost, start });
  };
  // Infinite cost if the series is too short for so many changes.
  return (changes) => {
    while (layers.length <= changes) addLayer();
    const starts: number[] = [];
    for (let layer = changes, to = length; layer > 0; layer--) {
      to = layers[layer].start[to];
      starts.unshift(to);
    }
    return { cost: layers[changes].cost[length], starts };
  };
}

/** From the differences of neighbours: 1.4826 makes the median absolute value of normal noise its deviation, √2 undoes the difference. */
function noiseDeviation(logarithms: readonly number[]): number {
  if (logarithms.length < 2) return SMALLEST_DEVIATION;
  const differences = logarithms.slice(1).map((x, i) => Math.abs(x - logarithms[i]));
  return Math.max(SMALLEST_DEVIATION, (1.4826 * median(differences)) / Math.SQRT2);
}

function clampOutliers(logarithms: readonly number[], reach: number): readonly number[] {
  return logarithms.map((x, i) => {
    const center = median(logarithms.slice(Math.max(0, i - 2), i + 3));
    return Math.min(center + reach, Math.max(center - reach, x));
  });
}
