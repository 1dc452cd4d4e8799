/** How much time a row may take. All but the shortest lap are bounds that a slow row runs into, not targets for a fast one. */
export interface Pace {
  /** Fewest documents in a lap, however slow the row: enough that none of them decides the figure. */
  readonly fewestDocuments: number;
  /** A lap has as many steps as fit in this, once warm. */
  readonly lapMilliseconds: number;
  /** Verification before any timing goes on for as many steps as fit in this, and at least one. */
  readonly verifyMilliseconds: number;
  /** Finding out how fast a row is once warm takes no longer than this, or than the shortest lap. */
  readonly scoutMilliseconds: number;
  /** Warm-up that is not over by then is cut off, and the row marked "not steady". A row whose lap takes longer gets none. */
  readonly warmUpMilliseconds: number;
  readonly samplingMilliseconds: number;
  /** Laps timed in a process, for rows that are fast enough to repeat them. */
  readonly fewestLaps: number;
}

export const fullPace: Pace = {
  fewestDocuments: 16,
  lapMilliseconds: 200,
  verifyMilliseconds: 1500,
  scoutMilliseconds: 600,
  warmUpMilliseconds: 1000,
  samplingMilliseconds: 250,
  fewestLaps: 3,
};

/** `--quick`: every row verified and timed, with less of everything. */
export const quickPace: Pace = {
  fewestDocuments: 8,
  lapMilliseconds: 50,
  verifyMilliseconds: 300,
  scoutMilliseconds: 150,
  warmUpMilliseconds: 400,
  samplingMilliseconds: 60,
  fewestLaps: 2,
};
