import { PassThrough } from 'node:stream';
import { expect, test } from 'vitest';
import { agrees } from './confirm-long-run.ts';

/** What a person types, as the keys of a terminal. */
function typed(keys: string) {
  const [input, controller] = [new PassThrough(), new AbortController()];
  const answer = agrees('go on? ', input, new PassThrough(), controller.signal, () => controller.abort());
  input.write(keys);
  return answer;
}

test.each([
  ['y\r', true],
  ['Yes\r', true],
  ['\r', false],
  ['no\r', false],
  ['\u0004', false],
])('%j is an answer', async (keys, agreed) => {
  expect(await typed(keys)).toBe(agreed);
});

test('Ctrl-C interrupts', async () => {
  await expect(typed('\u0003')).rejects.toThrow(/abort/i);
});
