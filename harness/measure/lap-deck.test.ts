import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { hundredDocuments } from '../testing/hundred-documents.ts';
import { LapDeck } from './lap-deck.ts';

/** Documents of 1 to 15 positions. */
function unevenDocuments(count: number, seed: number) {
  const offsets = new Int32Array(count + 1);
  for (let d = 0; d < count; d++) offsets[d + 1] = offsets[d] + 2 + ((d * 7 + seed) % 15);
  return { ...hundredDocuments(), offsets, tokens: new Int32Array(offsets[count]) };
}

describe('the deck of laps', () => {
  it('hands out each document once, and none of them for warm-up', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 64, max: 400 }),
        fc.nat(),
        fc.integer({ min: 2, max: 50 }),
        (count, seed, steps) => {
          const deck = new LapDeck(unevenDocuments(count, seed), seed);
          const timed: number[] = [];
          for (let round = 0; round < 3; round++) {
            const { lapOf } = deck.round(round, [steps]);
            for (let n = 0; n < count / 8; n++) timed.push(lapOf(n) ?? -1);
          }
          const warmUp = new Set(Array.from({ length: count }, () => deck.warmUp()));
          expect(new Set(timed).size).toBe(timed.length);
          expect(timed.filter((document) => warmUp.has(document))).toEqual([]);
        },
      ),
    );
  });

  it('says so when no document is left', () => {
    const { lapOf } = new LapDeck(hundredDocuments(), 1).round(0, [10]);
    expect(lapOf(49)).toBeGreaterThanOrEqual(0);
    expect(lapOf(50)).toBeUndefined();
  });

  it('gives the same lap again to every row of a round, and the same laps for the same seed', () => {
    const take = () => {
      const { lapOf } = new LapDeck(hundredDocuments(), 5).round(0, [10]);
      return [lapOf(0), lapOf(3), lapOf(0)];
    };
    const [first, , again] = take();
    expect(again).toBe(first);
    expect(take()).toEqual(take());
  });

  it('prefers laps whose timed documents are of average length', () => {
    const deck = new LapDeck(unevenDocuments(2000, 3), 11);
    const { lapOf } = deck.round(0, [9]);
    for (let n = 0; n < 20; n++) {
      const positions = deck.positions(lapOf(n) ?? 0, 1, 9) / 8;
      expect(Math.abs(positions / deck.averagePositions - 1)).toBeLessThan(0.1);
    }
  });

  it('counts the positions of some steps, one fewer than tokens in each document, across the end of the documents', () => {
    const task = unevenDocuments(70, 0);
    const deck = new LapDeck(task, 1);
    const positionsOf = (d: number) => task.offsets[(d % 70) + 1] - task.offsets[d % 70] - 1;
    expect(deck.positions(68, 1, 4)).toBe(positionsOf(69) + positionsOf(70) + positionsOf(71));
    expect(deck.positions(0, 0, 1)).toBe(positionsOf(0));
    const pairs = new LapDeck({ ...task, batch: 2 }, 1);
    expect(pairs.positions(68, 1, 2)).toBe(positionsOf(70) + positionsOf(71));
  });

  it('refuses a data set that is too small for laps of their own', () => {
    const { offsets, ...task } = hundredDocuments();
    expect(() => new LapDeck({ ...task, offsets: offsets.slice(0, 21) }, 1)).toThrow(/20 documents; timing needs/);
  });
});
