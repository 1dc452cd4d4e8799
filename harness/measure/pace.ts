/** How much time a row may take, all of it by the harness's clock. */
export interface Pace {
  /** In a lap, if the row trains them in `slowLapMilliseconds`. */
  readonly fewestDocuments: number;
  /** A lap has as many steps as fit in this, once warm. */
  readonly lapMilliseconds: number;
  /** A row too slow for the fewest documents takes as many as fit, and at least one timed step. */
  readonly slowLapMilliseconds: number;
  /** No lap is longer than what the float64 model checks in this. */
  readonly forcedLapMilliseconds: number;
  /** For checking steps before any timing, at least one. */
  readonly verifyMilliseconds: number;
  /** For finding out how fast a row is once warm. */
  readonly scoutMilliseconds: number;
  /** Warm-up is cut off then, and the row marked "not steady". A row whose lap takes longer gets none. */
  readonly warmUpMilliseconds: number;
  readonly samplingMilliseconds: number;
  /** In a process, for rows that are fast enough. */
  readonly fewestLaps: number;
}

export const fullPace: Pace = {
  fewestDocuments: 16,
  lapMilliseconds: 100,
  slowLapMilliseconds: 2500,
  forcedLapMilliseconds: 700,
  verifyMilliseconds: 1500,
  scoutMilliseconds: 600,
  warmUpMilliseconds: 1000,
  samplingMilliseconds: 200,
  fewestLaps: 3,
};

/** `--quick`: every row verified and timed, with less of everything. */
export const quickPace: Pace = {
  fewestDocuments: 8,
  lapMilliseconds: 40,
  slowLapMilliseconds: 1200,
  forcedLapMilliseconds: 200,
  verifyMilliseconds: 300,
  scoutMilliseconds: 250,
  // Just-in-time compilers: after 150 ms a step took up to 5% more processor time than after 300 ms, after 250 ms about 1%.
  warmUpMilliseconds: 250,
  samplingMilliseconds: 60,
  fewestLaps: 3,
};

/** In CPython. Three processes of every row would take minutes at the full pace where a step takes longer. */
const LONGEST_STEP_MILLISECONDS = 3000;

/** The full pace, but the quick one for a size whose steps take CPython seconds. */
export function paceOfSize(cpythonMillisecondsPerStep: number): Pace {
  return cpythonMillisecondsPerStep > LONGEST_STEP_MILLISECONDS ? quickPace : fullPace;
}
