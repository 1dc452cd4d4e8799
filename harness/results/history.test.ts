import { execFile } from 'node:child_process';
import { appendFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { benchResult } from '../testing/example-result.ts';
import { appendHistory, type HistoryRecord, historyRecord, readHistory, trendsOf } from './history.ts';

let folder: string;
let path: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'history-'));
  path = join(folder, 'history.ndjson');
});
afterEach(() => rm(folder, { recursive: true }));

function record(createdAt: string) {
  return { ...historyRecord(benchResult()), createdAt };
}

describe('the history', () => {
  it('keeps the rows that were verified, and no other', () => {
    const { rows } = historyRecord(benchResult());
    const verified = benchResult().rows.filter((row) => row.status === 'verified');
    expect(rows.map((row) => row.implementation)).toEqual(verified.map((row) => row.implementation));
  });

  it('gives its records back oldest first', async () => {
    await appendHistory(record('2026-02-01T00:00:00.000Z'), path);
    await appendHistory(record('2026-01-01T00:00:00.000Z'), path);
    expect((await readHistory(path)).records.map(({ createdAt }) => createdAt.slice(0, 7))).toEqual([
      '2026-01',
      '2026-02',
    ]);
  });

  it('loses and mixes no line when two processes write at the same time', async () => {
    const program = (commit: string) => `
      import { appendHistory } from ${JSON.stringify(join(import.meta.dirname, 'history.ts'))};
      const record = { ...${JSON.stringify(record('2026-01-01T00:00:00.000Z'))}, commit: '${commit}'.repeat(20000) };
      for (let i = 0; i < 100; i++) await appendHistory(record, ${JSON.stringify(path)});`;
    const write = (commit: string) =>
      promisify(execFile)(process.execPath, ['--input-type=module-typescript', '--eval', program(commit)]);
    await Promise.all([write('a'), write('b')]);
    const { records } = await readHistory(path);
    expect(records).toHaveLength(200);
    expect(records.filter(({ commit }) => commit === 'a'.repeat(20000))).toHaveLength(100);
  });

  it('does not spoil a new line with one that was left without its end', async () => {
    await writeFile(path, '{"schemaVersion":1,"cut');
    await appendHistory(record('2026-01-01T00:00:00.000Z'), path);
    const lines = (await readFile(path, 'utf8')).split('\n');
    expect(lines).toHaveLength(3);
    expect(JSON.parse(lines[1])).toMatchObject({ createdAt: '2026-01-01T00:00:00.000Z' });
  });

  it('reads the other lines where one cannot be read, and names that one', async () => {
    await appendHistory(record('2026-01-01T00:00:00.000Z'), path);
    await appendFile(path, '{"schemaVersion":1,"cut\n');
    const { records, unreadable } = await readHistory(path);
    expect(records).toHaveLength(1);
    expect(unreadable).toEqual([expect.stringMatching(/history\.ndjson, line 2: not JSON, or cut off/)]);
  });

  it('that does not exist yet says what makes it', async () => {
    await expect(readHistory(path)).rejects.toThrow(
      /the history is missing; every `npm run bench` without --quick adds to it/,
    );
  });
});

function runOf(day: number, microseconds: number, change: Partial<HistoryRecord> = {}): HistoryRecord {
  const base = historyRecord(benchResult());
  const interval = { median: microseconds, low: microseconds, high: microseconds };
  return {
    ...base,
    createdAt: `2026-01-${String(day).padStart(2, '0')}T00:00:00.000Z`,
    commit: `commit${day}`,
    rows: [{ implementation: 'fast', microsecondsPerSample: interval, processes: 8, steady: true }],
    ...change,
  };
}

describe('a trend', () => {
  it('names the first run on a new level and the last on the old one', () => {
    const records = [50, 50.2, 49.9, 50.1, 50, 55.1, 55, 54.9, 55.2].map((time, i) => runOf(i + 1, time));
    const [trend] = trendsOf(records);
    expect(trend.steps).toHaveLength(1);
    expect(trend.steps[0]).toMatchObject({ at: { commit: 'commit6' }, before: { commit: 'commit5' } });
    expect(trend.steps[0].ratio).toBeCloseTo(1.1, 2);
  });

  it('never mixes machines, tasks or runtimes', () => {
    const base = historyRecord(benchResult());
    const trends = trendsOf([
      runOf(1, 50),
      runOf(2, 50, { machine: { ...base.machine, fingerprint: 'other' } }),
      runOf(3, 50, { task: { ...base.task, nEmbd: 32 } }),
      runOf(4, 50, { runtime: { name: 'node', version: '27.0.0' } }),
      runOf(5, 50),
    ]);
    expect(trends.map(({ points }) => points.length)).toEqual([2, 1, 1, 1]);
  });
});
