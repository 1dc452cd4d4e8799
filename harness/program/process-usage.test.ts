import { spawnSync } from 'node:child_process';
import { expect, test } from 'vitest';
import { listedMemory, memoryInPs, memoryInTasklist, processorMilliseconds, workWithin } from './process-usage.ts';

test('the list of processes tells what this one holds, to the order of magnitude', () => {
  const held = listedMemory(process.pid) ?? 0;
  const { rss } = process.memoryUsage();
  expect(held).toBeGreaterThan(rss / 3);
});

test('a process that is gone has no memory in the list', () => {
  expect(listedMemory(2 ** 30)).toBeUndefined();
});

test('descendants of a process are counted, others are not', () => {
  const list = '    1     0  9000\n  20     1   100\n  21    20    10\n  22    21     1\n  30     1  5000\n';
  expect(memoryInPs(list, 20)).toBe(111 * 1024);
  expect(memoryInPs(list, 31)).toBeUndefined();
});

test.each([
  ['"node.exe","4711","Console","1","14,236 K"\r\n', 14_236 * 1024],
  ['"node.exe","4711","Console","1","14.236 K"\r\n', 14_236 * 1024],
  ['"node.exe","4711","Services","0","1\u00a0014\u00a0236 K"\r\n', 1_014_236 * 1024],
  ['INFO: No tasks are running which match the specified criteria.\r\n', undefined],
])('memory in a line of Windows: %j', (line, bytes) => {
  expect(memoryInTasklist(line)).toBe(bytes);
});

test.runIf(process.platform === 'linux')('processor time counts what descendants used that have ended', () => {
  const before = processorMilliseconds(process.pid) ?? Number.NaN;
  const { status } = spawnSync(process.execPath, ['-e', 'while (process.cpuUsage().user < 300_000);']);
  expect(status).toBe(0);
  expect((processorMilliseconds(process.pid) ?? 0) - before).toBeGreaterThanOrEqual(250);
});

test('a process that is gone has no processor time', () => {
  expect(processorMilliseconds(2 ** 30)).toBeUndefined();
});

const before = { running: 50, mainRunning: 20, waiting: 10 };

test('how long a word worked does not count what the row waited for a processor', () => {
  expect(workWithin(1000, before, { running: 150, mainRunning: 120, waiting: 310 })).toBe(700);
});

test('waits that add up to more than the word leave the processor time of the main thread', () => {
  expect(workWithin(1000, before, { running: 450, mainRunning: 420, waiting: 1510 })).toBe(400);
});

test('a word is all work where the platform tells nothing of processors', () => {
  expect(workWithin(1000, undefined, undefined)).toBe(1000);
});

test('a word never works longer than it lasts, and never for no time', () => {
  expect(workWithin(1000, before, { running: 1250, mainRunning: 1220, waiting: 10 })).toBe(1000);
  expect(workWithin(1000, before, { ...before, waiting: 1010 })).toBe(1000);
});
