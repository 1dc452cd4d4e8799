import { spawnSync } from 'node:child_process';
import { expect, test } from 'vitest';
import { listedMemory, memoryInPs, memoryInTasklist, processorMilliseconds } from './process-usage.ts';

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
