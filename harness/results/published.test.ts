import { describe, expect, it } from 'vitest';
import { publishedSpeedup, publishedTableFor, readPublished } from './published.ts';

const original = { nEmbd: 16, nHead: 4, nLayer: 1, blockSize: 16 };

describe('the published figures', () => {
  it('are those of the literature, with speedups over their own CPython', async () => {
    const published = await readPublished();
    const d16 = publishedTableFor(published, original);
    const d64 = publishedTableFor(published, { ...original, nEmbd: 64 });
    expect(d16?.rows.map((row) => row.microsecondsPerSample)).toEqual([49_000, 17_640, 270, 118, 31, 3]);
    expect(d64?.rows.map((row) => row.microsecondsPerSample)).toEqual([713_200, 301_400, 3260, 1620, 294, 36.8]);
    expect(d16?.rows.map((row) => Math.round(publishedSpeedup(row, d16) ?? 0))).toEqual([1, 3, 181, 415, 1581, 16_333]);
  });

  it('are shown for the model they were measured on, and for no other', async () => {
    const published = await readPublished();
    expect(publishedTableFor(published, { ...original, nEmbd: 32 })).toBeUndefined();
    expect(publishedTableFor(published, { ...original, nLayer: 2 })).toBeUndefined();
  });
});
