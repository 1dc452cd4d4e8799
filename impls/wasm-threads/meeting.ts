/**
 * Where threads wait for each other. Each counts the meetings it has come to in a slot of its own; a meeting is held when
 * all counts have reached it. Who waits looks at the counts for a while, then notes who is late, and sleeps.
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

  /** How many meetings this thread has come to. */
  get count(): number {
    return Atomics.load(this.#slots, arrivedSlot(this.#me));
  }

  /** Takes the place of one that has come to so many. */
  joinAt(count: number): void {
    Atomics.store(this.#slots, arrivedSlot(this.#me), count);
  }

  /** Comes, and returns when all have come. */
  meet(patienceMilliseconds: number = patience): void {
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
        else if (now - since > patienceMilliseconds) this.#sleepUntil(slot, mine);
      }
    }
  }

  #sleepUntil(slot: number, count: number): void {
    const slots = this.#slots;
    Atomics.store(slots, lateSlot, 1);
    Atomics.add(slots, sleepersSlot, 1);
    for (let seen = Atomics.load(slots, slot); ((seen - count) | 0) < 0; seen = Atomics.load(slots, slot))
      Atomics.wait(slots, slot, seen);
    Atomics.sub(slots, sleepersSlot, 1);
  }
}

/** Longer than a thread on a core of its own is ever late, shorter than a scheduler's turn. */
const patience = 0.4;

/** A look takes a nanosecond or two, the clock some tens. */
const looksPerClock = 500;

/** Slots of the control block, int32, each on a cache line of its own. */
const slot = (line: number) => line * 16;
/** Counts the invitations; threads sleep on it. */
export const turnSlot = slot(0);
/** What an invitation is for: steps from one to another, the document of step 0, the meeting before the first of them. */
export const [firstStepSlot, endStepSlot, firstDocumentSlot, joinSlot] = [
  slot(1),
  slot(1) + 1,
  slot(1) + 2,
  slot(1) + 3,
];
/** 1 where threads train together, 0 where the first trains alone; holds from a step's first meeting on. */
export const togetherSlot = slot(2);
/** Set by whoever had to wait long. */
export const lateSlot = slot(3);
const sleepersSlot = slot(4);
/** 1 where a thread can be invited. */
export const readySlot = (thread: number) => slot(5 + 2 * thread);
const arrivedSlot = (thread: number) => slot(6 + 2 * thread);
export const controlBytes = (threads: number) => slot(5 + 2 * threads) * Int32Array.BYTES_PER_ELEMENT;
