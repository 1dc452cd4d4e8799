import type { PresetName } from '../harness/task/presets.ts';

/** What is raced: the original's task at a preset's sizes, on a schedule of so many steps, on these documents. */
export interface RaceTask {
  readonly preset: PresetName;
  readonly steps: number;
  readonly dataset: { readonly name: string; readonly text: string };
}

/** What the page says to a row's worker: first what to train, then, turn by turn, for how long. */
export type ToRacer =
  | {
      readonly kind: 'prepare';
      readonly implementation: string;
      readonly precision: Precision;
      readonly task: RaceTask;
    }
  | { readonly kind: 'turn'; readonly milliseconds: number };

export type Precision = 'float32' | 'float64';

/** What a row's worker answers. */
export type FromRacer =
  | { readonly kind: 'ready'; readonly parameters: number; readonly documents: number }
  | { readonly kind: 'unsupported' | 'broken'; readonly reason: string }
  | ({ readonly kind: 'turn' } & TurnReport);

/** What a turn brought. */
export interface TurnReport {
  /** Of the first lap's steps that this turn trained. */
  readonly losses: Float64Array;
  /** Time of the steps of one turn over their number: the middle one of the later half of the turns. Undefined while compilers are at work. */
  readonly microsecondsPerStep?: number;
  /** Whether more turns would not make the time much surer. */
  readonly isTimed: boolean;
  /** Steps of the first lap that were checked, each from the row's own state. */
  readonly stepsVerified: number;
  /** Why the row is wrong, in one line. */
  readonly wrong?: string;
  /** Once all steps were checked: the largest error over what rounding allows. */
  readonly fractionOfBound?: number;
  /** What the model invents after its last step. */
  readonly names?: readonly string[];
}
