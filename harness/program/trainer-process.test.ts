import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { UnsupportedTask } from '../../impls/contract.ts';
import type { PreparedTask } from '../task/task.ts';
import { smallTask } from '../testing/small-task.ts';
import type { Implementation } from './discover.ts';
import { ImplementationFailure } from './implementation-failure.ts';
import { startTrainer, type TrainerOptions, type TrainerProcess } from './trainer-process.ts';

const folder = join(import.meta.dirname, '../testing');
const task: PreparedTask = smallTask();
const started: TrainerProcess[] = [];
afterEach(async () => {
  for (const trainer of started.splice(0)) await trainer.quit();
});

function program(...command: readonly string[]): Implementation {
  return {
    name: 'testing',
    folder,
    manifest: {
      protocol: 2,
      language: 'JavaScript',
      technique: 'misbehaves',
      precision: 'float64',
      threads: 1,
      order: 0,
      needs: [],
      run: { command: [...command] },
    },
  };
}

async function start(fault: string, options: TrainerOptions = {}): Promise<TrainerProcess> {
  const trainer = await startTrainer(program(process.execPath, 'misbehaving.ts', fault), task, options);
  started.push(trainer);
  return trainer;
}

/** What a promise is rejected with, which must be an ImplementationFailure. */
async function failureOf(promise: Promise<unknown>): Promise<ImplementationFailure> {
  const reason = await promise.then(
    () => undefined,
    (error) => error,
  );
  if (reason instanceof ImplementationFailure) return reason;
  throw new Error(`expected an ImplementationFailure, got ${String(reason)}`);
}

/** Long enough for a program to start on a busy machine. */
const soon = { replyTimeoutMilliseconds: 2_000 };

describe('a program that does not get ready', () => {
  test.each([
    ['exits at once', /exit code 3 .*to get ready/],
    ['never gets ready', /no answer within .* s \(asked: to get ready\)/],
    ['greets with noise', /printed "loading the model\.\.\." where a JSON line was expected/],
    ['speaks another version', /answered at the start with .*99.*expected \{"ready":2\}/],
  ])('%s: one line names the folder, what happened and what to do', async (fault, message) => {
    const failure = await failureOf(start(fault, soon));
    expect(failure.message).toMatch(message);
    expect(failure.message).toMatch(/^harness\/testing: .+; .+$/);
  });

  test('a task it declines is no failure', async () => {
    await expect(start('declines')).rejects.toThrow(new UnsupportedTask('only one layer'));
  });
});

describe('a program that answers wrongly', () => {
  test.each([
    ['never answers', /no answer within .* s \(asked: `train 5`\)/],
    ['answers without an end of line', /without an end of line/],
    [
      'prints garbage',
      /printed "Segmentation fault \(not really\)" where a JSON line was expected \(asked: `train 5`\)/,
    ],
    ['prints a line without end', /a line of more than \d+ characters \(asked: `train 5`\)/],
    ['says too few losses', /answered `train 5` with 4 losses/],
    ['says losses that are no numbers', /answered to `train 5` with .*expected \{"losses"/],
    ['says no time', /expected .*"nanoseconds"/],
    ['reports an error', /answered to `train 5` with the error "out of\\nluck"/],
    ['crashes', /ended with exit code 7 instead of answering \(asked: `train 5`\)/],
    ['is killed', /ended with signal SIGSEGV instead of answering/],
  ])('%s: one line names the folder, what happened and what to do', async (fault, message) => {
    const trainer = await start(fault, soon);
    const failure = await failureOf(trainer.train(5));
    expect(failure.message).toMatch(message);
    expect(failure.message).toMatch(/^harness\/testing: .+; .+$/);
  });

  test('the end of what it said on standard error is kept', async () => {
    const trainer = await start('crashes');
    expect((await failureOf(trainer.train(1))).stderrTail).toBe('about to crash\nthe last thing it said');
  });

  test('every later question is answered with the same failure', async () => {
    const trainer = await start('crashes');
    const first = await failureOf(trainer.train(1));
    expect(await failureOf(trainer.reset(0))).toBe(first);
  });

  test('noise between two answers is noticed with the next question', async () => {
    const trainer = await start('answers twice');
    await trainer.train(1);
    expect((await failureOf(trainer.reset(0))).message).toMatch(/printed "and another thing"/);
  });

  test('memory without end is stopped at the limit', async () => {
    const trainer = await start('grows without end', { memoryLimitBytes: 512 * 2 ** 20 });
    expect((await failureOf(trainer.train(1))).message).toMatch(/held 0\.\d+ GiB of memory .*the limit is 0\.50 GiB/);
  });

  test.each([
    ['writes half of its parameters', 'it wrote 8 bytes, where BYTES were expected'],
    ['writes no parameters', 'it wrote no file'],
  ])('%s: what it wrote is told', async (fault, told) => {
    const trainer = await start(fault);
    const expected = task.training.parameters.length * 8;
    expect((await failureOf(trainer.parameters())).message).toContain(
      `on \`parameters FILE\` ${told.replace('BYTES', String(expected))}`,
    );
  });

  test('a program must show its parameters, gradients it may decline', async () => {
    const trainer = await start('nothing');
    expect(await trainer.gradients()).toBeUndefined();
    expect((await failureOf(trainer.parameters())).message).toMatch(/declined `parameters FILE`/);
  });

  test('a loss that is not finite is an answer: NaN', async () => {
    const trainer = await start('says NaN');
    expect((await trainer.train(2)).losses).toEqual(Float64Array.of(Number.NaN, Number.NaN));
  });
});

describe('a program that cannot be started', () => {
  test.each([
    ['a missing program', ['no-such-program'], /there is no program "no-such-program"/],
    [
      'a program without its run bit',
      ['./misbehaving.ts'],
      /may not run ".*misbehaving\.ts"; give it its run bit: chmod \+x/,
    ],
  ])('%s', async (_, command, message) => {
    expect((await failureOf(startTrainer(program(...command), task))).message).toMatch(message);
  });
});

test('none is started at all once interrupted', async () => {
  const controller = new AbortController();
  const reason = new Error('interrupted');
  controller.abort(reason);
  await expect(start('nothing', { signal: controller.signal })).rejects.toBe(reason);
});
