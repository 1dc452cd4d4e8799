import { mkdtemp, readFile } from 'node:fs/promises';
import { expect, it } from 'vitest';
import { describeSystemError } from './system-error.ts';

const caught = (failing: Promise<unknown>) =>
  failing.then(
    () => undefined,
    (error: unknown) => error,
  );

it('tells in one line what the operating system refused, where, and what to do', async () => {
  expect(describeSystemError(await caught(mkdtemp('/no/such/folder/x-')))).toMatch(
    /^\/no\/such\/folder\/x-\w+: mkdtemp failed with ENOENT; make it, or set TMPDIR to a folder that exists$/,
  );
  expect(describeSystemError(await caught(readFile('/')))).toMatch(/^.+: read failed with EISDIR; /);
});

it('leaves our own bugs alone', () => {
  expect(describeSystemError(new TypeError('x is not a function'))).toBeUndefined();
  expect(describeSystemError('a string')).toBeUndefined();
});
