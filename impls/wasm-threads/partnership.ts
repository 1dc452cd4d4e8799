/** A millisecond of training together saves about so many milliseconds: the first thread's time for the other parts. */
const spared = 0.5;
/** If the threads lose so many milliseconds more than they save, they separate. It is a few turns of a scheduler. */
const mostLost = 6;
const shortestPause = 10;
const longestPause = 320;

/** Decides whether the first thread trains all parts, or each thread its own. Times are in milliseconds. */
export interface Partnership {
  /** How to train the next step. `trying`: the first thread trains alone while the others test whether they have cores of their own. */
  readonly mode: 'together' | 'alone' | 'trying';
  /** Records a trained step: its time, and how much of it threads lost by waiting for one without a core. */
  trained(took: number, lost: number): void;
  /** Records a test: whether the others had cores while the first thread worked. */
  tried(quiet: boolean): void;
}

/**
 * Separates the threads if they lose more by waiting than they save. If a thread is late once, separating costs more; if it is
 * late again and again, separating costs less. After a pause the others test their cores. The pause doubles after each failed test,
 * and each time the threads then train together for less time than the pause before.
 */
export class AdaptivePartnership implements Partnership {
  #mode: Partnership['mode'] = 'together';
  /** Time in this mode. */
  #elapsed = 0;
  #lost = 0;
  #pause = shortestPause;

  get mode(): Partnership['mode'] {
    return this.#mode;
  }

  trained(took: number, lost: number): void {
    this.#elapsed += took;
    if (this.#mode === 'together') {
      this.#lost = Math.max(0, this.#lost + lost - spared * Math.max(0, took - lost));
      if (this.#lost <= mostLost) return;
      if (this.#elapsed > this.#pause) this.#pause = shortestPause;
      this.#pauseLonger();
    } else if (this.#mode === 'alone' && this.#elapsed >= this.#pause) this.#change('trying');
  }

  tried(quiet: boolean): void {
    if (quiet) this.#change('together');
    else this.#pauseLonger();
  }

  #pauseLonger(): void {
    this.#pause = Math.min(2 * this.#pause, longestPause);
    this.#change('alone');
  }

  #change(mode: Partnership['mode']): void {
    this.#mode = mode;
    this.#elapsed = 0;
    this.#lost = 0;
  }
}
