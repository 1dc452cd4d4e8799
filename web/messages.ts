import type { PresetName } from '../harness/task/presets.ts';

/** The task of a race: the original's, at a preset's sizes, with this number of steps, on these documents. */
export interface RaceTask {
  readonly preset: PresetName;
  readonly steps: number;
  readonly dataset: { readonly name: string; readonly text: string };
}

/** The page's messages to a row's worker: first what to train, then, for each turn, how long. */
export type ToRacer =
  | {
      readonly kind: 'prepare';
      readonly implementation: string;
      readonly precision: Precision;
      readonly task: RaceTask;
    }
  | { readonly kind: 'turn'; readonly milliseconds: number };

export type Precision = 'float32' | 'float64';

/** A row's worker's answers. */
export type FromRacer =
  | { readonly kind: 'ready'; readonly parameters: number; readonly documents: number }
  | { readonly kind: 'unsupported' | 'broken'; readonly reason: string }
  | ({ readonly kind: 'turn' } & TurnReport);

/** The result of a turn. */
export interface TurnReport {
  /** Losses of the first lap's steps, as far as this turn trained them. */
  readonly losses: Float64Array;
  /** Time of a turn's steps, divided by their number; the median of the later half of the turns. Undefined while compilers still work. */
  readonly microsecondsPerStep?: number;
  /** Whether the time is sure: more turns would hardly change it. */
  readonly isTimed: boolean;
  /** Steps of the first lap that were checked, each from the row's own state. */
  readonly stepsVerified: number;
  /** Why the row is wrong, in one line. */
  readonly wrong?: string;
  /** The largest error, divided by what rounding may cause. Left out until all steps are checked. */
  readonly fractionOfBound?: number;
  /** Names that the model generates after its last step. */
  readonly names?: readonly string[];
}
