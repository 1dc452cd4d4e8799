import { rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'vitest';
import { checkResultSchema } from '../../results/schema.ts';
import type { Fault } from './fault.ts';
import {
  type Ending,
  type Manifest,
  plantedSecrets,
  type RunOptions,
  rightManifest,
  type World,
  waywardManifest,
} from './world.ts';

/** Few steps, and little patience for a row that hangs. */
const check = (timeoutSeconds: number) => ['--steps', '3', '--timeout', String(timeoutSeconds)];
/** Seconds, where no row hangs: on a busy machine a right row takes some to start. */
export const PATIENT = 20;
/** Where a row hangs, so that its silence is waited for. The right row has no more time to start. */
const HANGING = 5;
const CHECK = check(PATIENT);

export type CheckStatus = 'verified' | 'mismatch' | 'error' | 'skipped' | 'unsupported';

/** Checks the planted rows; the right one, which comes after them, must be untouched by what they do. */
export async function checkPlanted(
  world: World,
  name: string,
  timeoutSeconds = PATIENT,
  options: RunOptions = {},
  rightOne: Manifest = rightManifest,
): Promise<Ending & { status: CheckStatus; reason: string }> {
  await world.plant('zz-right', rightOne);
  const words = ['check', name, 'zz-right', '--impls', world.impls, '--json', '-', ...check(timeoutSeconds)];
  const ending = await world.run(words, options);
  const { results } = checkResultSchema.parse(JSON.parse(ending.stdout));
  const row = results.find(({ implementation }) => implementation === name);
  const right = results.find(({ implementation }) => implementation === 'zz-right');
  expect(right?.status, right?.reason).toBe('verified');
  if (row === undefined) throw new Error(`no row ${name} in the result`);
  expect(row.reason ?? '').not.toMatch(/\n/);
  return { ...ending, status: row.status, reason: row.reason ?? '' };
}

/** What programs of these faults say of their environment: all of it would be cut off. */
export const SAW_NO_SECRET = /saw 0 secrets of [1-9]\d* variables/;

const exitCodes: Readonly<Record<CheckStatus, number>> = {
  verified: 0,
  skipped: 0,
  unsupported: 0,
  mismatch: 1,
  error: 1,
};

/** A fault of `wayward-row.ts`: its status, and what its one line must say. */
function wayward(
  chapter: Fault['chapter'],
  fault: string,
  status: CheckStatus,
  says: RegExp,
  where?: Fault['where'],
  timeoutSeconds?: number,
): Fault {
  return {
    chapter,
    fault: `A row ${fault}`,
    outcome:
      status === 'verified' ? 'the row is verified all the same' : `the row is \`${status}\`; the others are verified`,
    ...(where === undefined ? {} : { where }),
    attempt: async (world) => {
      await world.plant('wayward', waywardManifest(fault));
      // What a row leaves is gone before the next one starts, not when the tool ends.
      const right =
        chapter === leaves
          ? { ...waywardManifest('ends if a program of another row goes on'), order: 900 }
          : rightManifest;
      const row = await checkPlanted(
        world,
        'wayward',
        timeoutSeconds ?? (chapter === hangs ? HANGING : PATIENT),
        {},
        right,
      );
      expect(row.reason).toMatch(says);
      expect(row.status).toBe(status);
      expect(row.exitCode).toBe(exitCodes[status]);
      if (status === 'error') expect(row.reason).toMatch(/wayward: .+; .+/);
    },
  };
}

const starts = 'A row starts wrongly';
const answers = 'A row answers wrongly';
const dies = 'A row dies';
const hangs = 'A row hangs or does not end';
const leaves = 'A row leaves something behind';
const dumps = 'A row writes something else than its parameters';
const damages = 'A row damages its task';
const tells = 'A row wants to see or say too much';

/** The module of a row whose losses are never the same twice. */
const UNSTEADY = `
import honest from './honest.ts';
export default (task) => {
  const trainer = honest(task);
  return {
    reset: (document) => trainer.reset(document),
    train: (steps) => trainer.train(steps).map((loss) => loss + 1e-6 * (1 + Math.random())),
    parameters: () => trainer.parameters(),
  };
};
`;

export const rowFaults: readonly Fault[] = [
  wayward(starts, 'exits before it is ready', 'error', /exit code 3/),
  wayward(starts, 'exits with 0 before it is ready', 'error', /exit code 0/),
  wayward(starts, 'is killed before it is ready', 'error', /SIGKILL/, 'posix'),
  wayward(starts, 'greets with words', 'error', /"loading …"/),
  wayward(starts, 'is ready twice', 'error', /without being asked|ready/),
  wayward(starts, 'speaks protocol 99', 'error', /99/),
  wayward(starts, 'speaks protocol 1', 'error', /"ready":1|\\"ready\\":1/),
  wayward(starts, 'is ready without an end of line', 'error', /without an end of line/, undefined, HANGING),
  wayward(starts, 'greets with a blank line', 'error', /""/),
  wayward(starts, 'greets with an array', 'error', /\[\]/),
  wayward(starts, 'greets with a number', 'error', /ready/),
  wayward(starts, 'greets with null', 'error', /null/),
  wayward(starts, 'greets with bytes that are no text', 'error', /printed/),
  wayward(starts, 'greets with NUL bytes', 'error', /u0000/),
  wayward(starts, 'greets with a line without end', 'error', /more than \d+ characters/),
  wayward(starts, 'declines without a reason', 'error', /unsupported/),
  wayward(starts, 'gives a build time below 0', 'error', /buildNanoseconds/),
  wayward(starts, 'closes its standard input', 'error', /no answer within|instead of answering/, undefined, HANGING),
  wayward(starts, 'closes its standard output', 'error', /no answer within|instead of answering/, undefined, HANGING),

  wayward(answers, 'answers with too few losses', 'error', /with 0 losses/),
  wayward(answers, 'answers with too many losses', 'error', /with 2 losses/),
  wayward(answers, 'answers with losses in words', 'error', /answered/),
  wayward(answers, 'answers with NaN, which JSON lacks', 'error', /JSON line was expected/),
  wayward(answers, 'answers with null losses', 'mismatch', /not finite/),
  wayward(answers, 'answers with a huge loss', 'mismatch', /1e\+308/),
  wayward(answers, 'answers without a time', 'error', /nanoseconds/),
  wayward(answers, 'answers with no time at all', 'error', /"nanoseconds":0|\\"nanoseconds\\":0/),
  wayward(answers, 'answers with a time below 0', 'error', /-5/),
  wayward(answers, 'answers with a time in words', 'error', /nanoseconds/),
  wayward(answers, 'answers with a field too many', 'error', /mood/),
  wayward(answers, 'answers `train` with an error', 'error', /"out of luck"/),
  wayward(answers, 'answers with an error of many lines', 'error', /planted/),
  wayward(answers, 'answers in two lines', 'error', /printed "\{"/),
  wayward(answers, 'answers twice', 'error', /without being asked|answered/),
  wayward(answers, 'talks between answers', 'error', /by the way/),
  wayward(answers, 'floods standard output', 'error', /more than \d+ characters/),
  wayward(answers, 'answers `reset` wrongly', 'error', /`reset/),
  wayward(answers, 'floods standard error', 'verified', /^$/),

  {
    chapter: answers,
    fault: 'The reference answers otherwise each time',
    outcome: 'it is left out; without another, one line says so; exit code 2',
    attempt: async (world) => {
      const project = await world.copyProject();
      const folder = join(project, 'impls', 'scalar-autograd');
      await rename(join(folder, 'scalar-autograd.ts'), join(folder, 'honest.ts'));
      await writeFile(join(folder, 'scalar-autograd.ts'), UNSTEADY);
      await world.plant('zz-right', rightManifest);
      const words = ['check', 'zz-right', '--impls', world.impls, '--n-embd', '4', ...CHECK];
      const { stdout, stderr, exitCode } = await world.run(words, { project });
      expect(stderr).toMatch(
        /^error: .* scalar-autograd \(step 1 is not what the model of this project makes of it\).*$/,
      );
      expect([stdout, exitCode]).toEqual(['', 2]);
    },
  },

  wayward(dies, 'crashes in `train`', 'error', /exit code 7 instead of answering/),
  wayward(dies, 'throws in `train`', 'error', /exit code 1 instead of answering/),
  wayward(dies, 'exits with 0 in `train`', 'error', /exit code 0 instead of answering/),
  wayward(dies, 'is killed by SIGSEGV in `train`', 'error', /SIGSEGV/, 'posix'),
  wayward(dies, 'crashes after its answer', 'error', /exit code 7/),
  wayward(dies, 'crashes in `reset`', 'error', /exit code 7/),
  {
    chapter: dies,
    fault: 'A row says its last words in pieces',
    outcome: 'they are shown line by line, as they were meant',
    attempt: async (world) => {
      await world.plant('wayward', waywardManifest('says its last words in pieces'));
      const { stdout, stderr, exitCode } = await world.run(['check', 'wayward', '--impls', world.impls, ...CHECK]);
      expect(stdout + stderr).toMatch(/^\s+\| the last words\n\s+\| and more$/m);
      expect(exitCode).toBe(1);
    },
  },
  // On a busy machine it takes a while to hold too much.
  wayward(dies, 'grows without end', 'error', /GiB of memory/, 'linux', 60),

  wayward(hangs, 'never gets ready', 'error', /no answer within \d+(\.\d+)? s \(asked: to get ready\)/),
  wayward(hangs, 'is ready and hangs', 'error', /no answer within/),
  wayward(hangs, 'hangs in `train`', 'error', /no answer within .*`train/),
  wayward(hangs, 'hangs in `reset`', 'error', /no answer within .*`reset/),
  wayward(hangs, 'hangs in `parameters`', 'error', /no answer within .*`parameters/),
  wayward(hangs, 'answers half a line', 'error', /without an end of line/),
  wayward(hangs, 'answers without an end of line', 'error', /without an end of line/),
  wayward(hangs, 'stops itself', 'error', /no answer within/, 'posix'),
  wayward(hangs, 'answers while the tool is stopped for longer than its time', 'verified', /^$/, 'linux', 4),
  wayward(hangs, 'ignores `quit`', 'verified', /^$/),
  wayward(hangs, 'prints on `quit`', 'verified', /^$/),
  wayward(hangs, 'exits with 9 on `quit`', 'verified', /^$/),

  wayward(leaves, 'leaves a descendant that holds its output', 'verified', /^$/, 'linux'),
  wayward(leaves, 'leaves a descendant in a session of its own', 'verified', /^$/, 'linux'),
  wayward(leaves, 'leaves a descendant that ignores signals', 'verified', /^$/, 'linux'),

  wayward(dumps, 'makes its dump a FIFO', 'error', /no regular file/, 'posix'),
  wayward(dumps, 'makes its dump a link to an endless device', 'error', /made the file a link/, 'posix'),
  wayward(dumps, 'makes its dump a link to nothing', 'error', /made the file a link/, 'posix'),
  wayward(dumps, 'makes its dump a folder', 'error', /no regular file/),
  wayward(dumps, 'writes half of its dump', 'error', /wrote 8 bytes, where \d+ were expected/),
  wayward(dumps, 'writes an empty dump', 'error', /wrote 0 bytes/),
  wayward(dumps, 'writes no dump', 'error', /wrote no file/),
  wayward(dumps, 'writes one number too many', 'error', /bytes, where \d+ were expected/),
  wayward(dumps, 'writes a dump of a terabyte', 'error', /wrote 1099511627776 bytes/),
  wayward(dumps, 'writes a dump that is not finite', 'mismatch', /./),
  wayward(dumps, 'writes zeros', 'mismatch', /./),
  wayward(dumps, 'removes the folder of its dump', 'error', /wrote no file/),
  wayward(dumps, 'counts its dump wrongly', 'error', /"parameters":3|\\"parameters\\":3/),
  wayward(dumps, 'declines `parameters`', 'error', /declined `parameters/),

  wayward(damages, 'removes its task files', 'error', /changed or removed the files of its task/),
  wayward(damages, 'cuts its task files', 'error', /changed or removed the files of its task/),
  wayward(damages, 'overwrites its task files', 'error', /changed or removed the files of its task/),
  wayward(
    damages,
    'makes its task files links to an endless device',
    'error',
    /changed or removed the files of its task/,
    'posix',
  ),

  wayward(
    tells,
    'declines with escapes and a workflow command',
    'unsupported',
    /^not ::error file=x::planted \\u\{1b\}\[2J/,
  ),
  {
    chapter: tells,
    fault: 'A row prints terminal escapes and a workflow command on standard error',
    outcome: 'they are shown as text, and no line begins with them',
    attempt: async (world) => {
      await world.plant('wayward', waywardManifest('dies with escapes on standard error'));
      await world.plant('zz-right', rightManifest);
      const { stdout, stderr } = await world.run(['check', 'wayward', '--impls', world.impls, ...CHECK]);
      expect(stdout + stderr).toMatch(/\\u\{1b\}\[2J/);
      expect(stdout + stderr).toMatch(/^\s+.*::error::planted/m);
    },
  },
  {
    chapter: tells,
    fault: `A row looks at its environment, and ours holds ${Object.keys(plantedSecrets).join(', ')}`,
    outcome: 'the row never saw them',
    attempt: async (world) => {
      await world.plant('wayward', waywardManifest('tells its environment'));
      const words = ['check', 'wayward', '--impls', world.impls, ...CHECK];
      const { stdout, stderr } = await world.run(words, { env: plantedSecrets });
      expect(stdout + stderr).toMatch(SAW_NO_SECRET);
    },
  },
];
