/** If training together has cost so many milliseconds more than training alone, the threads separate. It is a few turns of a scheduler. */
const mostLost = 6;
const shortestPause = 20;
const longestPause = 320;

/** Decides whether the first thread trains all parts, or each thread its own. Times are in milliseconds. */
export interface Partnership {
  /** How to train the next step. `trying`: the first thread trains alone while the others test whether they have cores of their own. */
  readonly mode: 'together' | 'alone' | 'trying';
  /** Records the time of a trained step. */
  trained(took: number): void;
  /** Records a test: whether the others had cores while the first thread worked. */
  tried(quiet: boolean): void;
}

/**
 * Begins alone, and so knows how long a step takes then. Together the threads stay as long as their steps are faster. They are not
 * if one thread is late again and again, or if their cores are hyperthreads of one. After a further pause alone the others first
 * test their cores. The pause doubles after a failed test, and after time together that saved nothing.
 */
export class AdaptivePartnership implements Partnership {
  #mode: Partnership['mode'] = 'alone';
  /** Time in this mode. */
  #elapsed = 0;
  #pause = shortestPause;
  /** Times of the steps of this pause. */
  #times: number[] = [];
  /** A step of the last pause: the median, because the first steps of a process are slow. */
  #alone = 0;
  /** What time together has saved. */
  #saved = 0;
  /** What it has cost since it last saved something. */
  #lost = 0;

  get mode(): Partnership['mode'] {
    return this.#mode;
  }

  trained(took: number): void {
    this.#elapsed += took;
    if (this.#mode === 'alone') {
      this.#times.push(took);
      if (this.#elapsed < this.#pause) return;
      const isFirst = this.#alone === 0;
      this.#times.sort((a, b) => a - b);
      this.#alone = this.#times[this.#times.length >> 1];
      this.#change(isFirst ? 'together' : 'trying');
    } else if (this.#mode === 'together') {
      this.#saved += this.#alone - took;
      this.#lost = Math.max(0, this.#lost + took - this.#alone);
      if (this.#lost <= mostLost) return;
      if (this.#saved > 0) this.#pause = shortestPause;
      else this.#pauseLonger();
      this.#change('alone');
    }
  }

  tried(quiet: boolean): void {
    if (!quiet) this.#pauseLonger();
    this.#change(quiet ? 'together' : 'alone');
  }

  #pauseLonger(): void {
    this.#pause = Math.min(2 * this.#pause, longestPause);
  }

  #change(mode: Partnership['mode']): void {
    this.#mode = mode;
    this.#elapsed = 0;
    this.#times = [];
    this.#saved = 0;
    this.#lost = 0;
  }
}
