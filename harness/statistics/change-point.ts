import { median } from 'simple-statistics';

/** A stretch between two changes: `from` is inclusive, `to` exclusive. */
export interface Segment {
  readonly from: number;
  readonly to: number;
  readonly median: number;
}

/** Fewest figures in a segment: a single odd run, or two, are not a change of level. */
const SHORTEST_SEGMENT = 3;

/** Steps smaller than a few times this are not reported, however quiet the series: 0.5% in the logarithm. */
const SMALLEST_DEVIATION = 0.005;

/**
 * Levels of a series of positive figures, oldest first: where it stepped, and what it was between.
 *
 * PELT (Killick, Fearnhead & Eckley, "Optimal Detection of Changepoints With a Linear Computational Cost", JASA 107, 2012) on
 * logarithms, so that a step is a ratio; the cost of a segment is its sum of squares about its mean over the noise's
 * variance, and a change costs 3 log n, the modified BIC of Zhang & Siegmund (Biometrics 63, 2007) for changes in mean. The noise's deviation comes from
 * the median absolute difference of neighbours, which steps do not inflate. Figures further than 3 deviations from the
 * median of their neighbourhood are pulled in to that distance first, so that one odd run is no segment.
 *
 * @throws RangeError where a figure is not positive and finite
 */
export function segmentsOf(series: readonly number[]): readonly Segment[] {
  if (series.some((figure) => !(figure > 0 && Number.isFinite(figure)))) {
    throw new RangeError('a series of times holds positive numbers only');
  }
  if (series.length === 0) return [];
  const logarithms = series.map(Math.log);
  const deviation = noiseDeviation(logarithms);
  const scaled = clampOutliers(logarithms, 3 * deviation).map((x) => x / deviation);
  const bounds = [0, ...changePoints(scaled, 3 * Math.log(series.length)), series.length];
  return bounds.slice(1).map((to, i) => ({ from: bounds[i], to, median: median(series.slice(bounds[i], to)) }));
}

/**
 * Start indexes of the segments after the first, for noise of deviation one: the exact minimum over all segmentations of
 * the sum of squares within segments plus `penalty` for each change.
 */
export function changePoints(series: readonly number[], penalty: number): readonly number[] {
  const n = series.length;
  const sums = [0];
  const squares = [0];
  for (const x of series) {
    sums.push(sums[sums.length - 1] + x);
    squares.push(squares[squares.length - 1] + x * x);
  }
  const cost = (from: number, to: number) => squares[to] - squares[from] - (sums[to] - sums[from]) ** 2 / (to - from);

  const best = new Float64Array(n + 1).fill(Number.POSITIVE_INFINITY);
  const lastChange = new Int32Array(n + 1);
  best[0] = -penalty;
  let candidates: number[] = [];
  for (let to = SHORTEST_SEGMENT; to <= n; to++) {
    candidates.push(to - SHORTEST_SEGMENT);
    for (const from of candidates) {
      const total = best[from] + cost(from, to) + penalty;
      if (total < best[to]) {
        best[to] = total;
        lastChange[to] = from;
      }
    }
    // A start that already costs more than the best, change or no change, can never win again (PELT's pruning). A segment of
    // the shortest length must still fit before its better rival takes over, so the rival is the best that lay that far back.
    const rival = to - SHORTEST_SEGMENT + 1;
    candidates = candidates.filter((from) => from >= rival || best[from] + cost(from, rival) <= best[rival]);
  }
  const changes: number[] = [];
  for (let at = lastChange[n]; at > 0; at = lastChange[at]) changes.unshift(at);
  return changes;
}

/** Deviation of the noise from the differences of neighbours; 1.4826 makes the median absolute value of normal noise its deviation, √2 undoes the difference. */
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
