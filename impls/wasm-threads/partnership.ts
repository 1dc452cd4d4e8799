/** Decides whether the first thread trains all parts, or each thread its own. Times are in milliseconds. */
export interface Partnership {
  /** How to train the next step. */
  readonly mode: 'together' | 'alone';
  /** Some steps follow without a pause. */
  begins(): void;
  /** Records the time of a trained step. */
  trained(took: number): void;
  ends(): void;
}

/** The runtime still compiles in a young process, on the same cores: to be slow says nothing yet. */
const youth = 300;
/** What happened is judged after so long. Times of the system are too coarse for less. */
const longWindow = 60;
const shortWindow = 30;
/** Windows alone, after training together was slower. */
const longestPause = 16;

/**
 * Begins together. The threads separate where other programs have a core that they need, and come together when they have it back.
 * They also separate where together is not faster, as on hyperthreads of one core: then the pause doubles each time.
 */
export class AdaptivePartnership implements Partnership {
  readonly #spareCores: number;
  readonly #watchOthers: () => () => number;
  #mode: Partnership['mode'] = 'together';
  #others: () => number = () => 0;
  /** Of this window. */
  #times: number[] = [];
  #elapsed = 0;
  #youth = youth;
  /** Median time of a step of the last window alone. */
  #alone: number | undefined;
  #slower = 0;
  /** Windows alone that are left. */
  #pause = 0;

  /**
   * @param spareCores of the machine, beside one for each thread
   * @param watchOthers begins to watch; what it returns tells how many cores other programs have had since
   */
  constructor(spareCores: number, watchOthers: () => () => number) {
    this.#spareCores = spareCores;
    this.#watchOthers = watchOthers;
  }

  get mode(): Partnership['mode'] {
    return this.#mode;
  }

  begins(): void {
    this.#times = [];
    this.#elapsed = 0;
    this.#others = this.#watchOthers();
  }

  trained(took: number): void {
    this.#times.push(took);
    this.#elapsed += took;
    if (this.#elapsed < (this.#mode === 'together' ? longWindow : shortWindow)) return;
    this.#judge();
    this.begins();
  }

  ends(): void {
    if (this.#elapsed >= shortWindow) this.#judge();
  }

  #judge(): void {
    // Alone, another program has a whole core; together, it has to share one.
    const isCrowded = this.#others() > this.#spareCores + (this.#mode === 'alone' ? 0.6 : 0.4);
    if (this.#mode === 'alone') {
      this.#alone = median(this.#times);
      if (!isCrowded && --this.#pause <= 0) this.#mode = 'together';
      return;
    }
    this.#youth -= this.#elapsed;
    if (isCrowded) this.#separate(1);
    else if (this.#youth > 0) return;
    else if (this.#alone === undefined) this.#separate(1);
    else if (this.#elapsed / this.#times.length > this.#alone) this.#separate(2 ** ++this.#slower);
    else this.#slower = 0;
  }

  #separate(pause: number): void {
    this.#mode = 'alone';
    this.#pause = Math.min(pause, longestPause);
  }
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1];
}
