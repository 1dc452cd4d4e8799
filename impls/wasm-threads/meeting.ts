/**
 * A point where threads wait for each other. Each thread counts its meetings in a slot of its own. A meeting ends when all
 * counts have reached it. A waiting thread looks at the counts for a while. Then it sleeps, which leaves its core to the late
 * thread.
 */
export class Meeting {
  readonly #slots: Int32Array;
  readonly #me: number;
  readonly #threads: number;

  constructor(control: SharedArrayBuffer, me: number, threads: number) {
    this.#slots = new Int32Array(control);
    this.#me = me;
    this.#threads = threads;
  }

  /** Returns when all threads have called it. */
  meet(): void {
    const slots = this.#slots;
    const mine = (Atomics.load(slots, arrivedSlot(this.#me)) + 1) | 0;
    Atomics.store(slots, arrivedSlot(this.#me), mine);
    if (Atomics.load(slots, sleepersSlot) > 0) Atomics.notify(slots, arrivedSlot(this.#me));
    for (let other = 0; other < this.#threads; other++) {
      if (other === this.#me) continue;
      const slot = arrivedSlot(other);
      let since = 0;
      for (let looks = 1; ((Atomics.load(slots, slot) - mine) | 0) < 0; looks++) {
        if (looks % looksPerClock !== 0) continue;
        const now = performance.now();
        if (since === 0) since = now;
        else if (now - since > patience) this.#sleepUntil(slot, mine);
      }
    }
  }

  #sleepUntil(slot: number, count: number): void {
    const slots = this.#slots;
    Atomics.add(slots, sleepersSlot, 1);
    for (let seen = Atomics.load(slots, slot); ((seen - count) | 0) < 0; seen = Atomics.load(slots, slot))
      Atomics.wait(slots, slot, seen);
    Atomics.sub(slots, sleepersSlot, 1);
  }
}

/** In milliseconds. A thread with its own core is never so late; a scheduler's turn is longer. */
const patience = 0.4;

/** A look takes one or two nanoseconds, reading the clock takes tens. */
const looksPerClock = 500;

/** Slots of the control block, int32, each on a cache line of its own. */
const slot = (line: number) => line * 16;
/** Counts the invitations to train or to test a core. Threads sleep until it changes. */
export const turnSlot = slot(0);
/** What an invitation asks for: the first step, the step after the last, and the document of step 0. */
export const [firstStepSlot, endStepSlot, firstDocumentSlot] = [slot(1), slot(1) + 1, slot(1) + 2];
/** The invitation that ends with the meeting before its next step. From then on the first thread trains alone. */
export const endedTurnSlot = slot(2);
const sleepersSlot = slot(3);
const arrivedSlot = (thread: number) => slot(4 + thread);
export const controlBytes = (threads: number) => slot(4 + threads) * Int32Array.BYTES_PER_ELEMENT;
