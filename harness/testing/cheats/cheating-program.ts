/**
 * For tests only: `cheating-program.ts TRICK MODULE --tokens FILE …` speaks the line protocol for an honest trainer, and cheats.
 * It plays its trick on laps that look timed: many steps in one word, and no parameters asked since the reset.
 */
import { appendFileSync, existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { CreateTrainer } from '../../../impls/contract.ts';
import { taskOfFlags } from '../task-of-flags.ts';
import { lapsInAdvance } from './laps-in-advance.ts';
import { trainerAhead } from './trainer-ahead.ts';

const [trick = '', module = '', ...flags] = process.argv.slice(2);
const task = taskOfFlags(flags);
const address = pathToFileURL(module).href;
const loaded: { readonly default: CreateTrainer } = await import(address);
const trainer = await loaded.default(task);
const ahead = trick === 'trains between words on another thread' ? trainerAhead(address, task) : undefined;

/** The random tasks have few steps, and many words. */
const isSlowWhileChecked = trick.startsWith('is slow while it is checked') && task.numSteps > 500;
let wordsWatched = 0;
/** A lap of so many steps or more looks timed. */
const MANY = 4;
const AHEAD = 1000;
let first = 0;
let step = 0;
let laps = 0;
/** Whoever asks for parameters before the end checks this process: from then on it is honest. */
let isWatched = false;
/** Losses that were computed before they were asked for. */
let prepared: number[] = [];
let firstLap: number[] | undefined;
let beforeLastUpdate: Float64Array | undefined;
/** Losses of whole laps, by first document. */
let knownLaps: ReturnType<typeof lapsInAdvance> | undefined;
let knownLap: readonly number[] | undefined;

const say = (answer: object) => process.stdout.write(`${JSON.stringify(answer)}\n`);
const train = (steps: number): number[] => (steps > 0 ? [...((!isWatched && ahead) || trainer).train(steps)] : []);
/** The first process that is timed, and every third after it, is honest. */
let processNumber: number | undefined;
function sitsOut(): boolean {
  if (isWatched) return true;
  if (processNumber === undefined) {
    const file = join(tmpdir(), `cheat-${process.ppid}-${trick.replaceAll(' ', '-')}`);
    appendFileSync(file, '.');
    processNumber = statSync(file).size;
  }
  return processNumber % 3 === 1;
}
/** Losses of the next steps, from what was computed ahead as far as that goes. */
const take = (steps: number): number[] => {
  const taken = prepared.splice(0, steps);
  return [...taken, ...train(steps - taken.length)];
};
const prepare = (steps: number) => prepared.push(...train(Math.min(steps, task.numSteps - step - prepared.length)));
const spin = (milliseconds: number) => {
  const end = performance.now() + milliseconds;
  while (performance.now() < end);
};

function reset(firstDocument: number): void {
  ((!isWatched && ahead) || trainer).reset(firstDocument);
  [first, step, prepared, beforeLastUpdate] = [firstDocument, 0, [], undefined];
  laps++;
  knownLap = isWatched ? undefined : knownLaps?.get(first);
  if (isWatched) return;
  if (trick === 'trains in reset' || (trick.endsWith('trains in the reset of the next') && laps % 3 === 1))
    prepare(AHEAD);
}

function lossesOf(steps: number): number[] {
  if (isSlowWhileChecked && isWatched && wordsWatched++ < 40) spin(200);
  if (trick === 'computes in a lower precision') return train(steps).map(Math.fround);
  if (trick === 'trains in the first step' && steps === 1 && !isWatched && step === 0) prepare(AHEAD);
  if (knownLap !== undefined) return knownLap.slice(step, step + steps);
  if (steps < MANY) return take(steps);
  switch (trick) {
    case 'replays the losses of its first lap':
      firstLap = firstLap === undefined || firstLap.length < steps ? train(steps) : firstLap;
      return firstLap.slice(0, steps);
    case 'repeats the last loss after eight steps': {
      const losses = train(Math.min(steps, 8));
      return Array.from({ length: steps }, (_, i) => losses[i] ?? losses[losses.length - 1]);
    }
    case 'prints losses from a file of known ones':
      trainer.reset(0);
      return first === 0 ? train(steps) : train(Math.min(8, steps)).concat(new Array(steps).fill(3)).slice(0, steps);
    case 'keeps the losses of its laps in a file for later processes': {
      const folder = join(tmpdir(), `cheat-${process.ppid}`);
      const file = join(folder, `${steps}.json`);
      if (existsSync(file)) return JSON.parse(readFileSync(file, 'utf8'));
      mkdirSync(folder, { recursive: true });
      const losses = train(steps);
      writeFileSync(file, JSON.stringify(losses));
      return losses;
    }
    case 'trains every second step only':
      return train(Math.ceil(steps / 2))
        .flatMap((loss) => [loss, loss])
        .slice(0, steps);
    case 'trains every second step only, but not in every round':
      if (sitsOut()) return take(steps);
      return train(Math.ceil(steps / 2))
        .flatMap((loss) => [loss, loss])
        .slice(0, steps);
    case 'leaves out the last update of a lap': {
      const losses = train(steps - 1);
      beforeLastUpdate = trainer.parameters();
      return [...losses, ...train(1)];
    }
    default:
      return take(steps);
  }
}

function clock(nanoseconds: number, steps: number): number {
  if (steps < MANY) return nanoseconds;
  switch (trick) {
    case 'counts a thousandth of its time':
    case 'counts too little and answers empty words slowly':
      return nanoseconds / 1000;
    case 'counts half of its time':
      return nanoseconds / 2;
    case 'counts a tenth of its time':
      return nanoseconds / 10;
    case 'is slow while it is checked, so that its laps are short, and counts too little':
      return 0.6 * nanoseconds;
    case 'counts whole seconds':
      return Math.max(1, Math.floor(nanoseconds / 1e9) * 1e9);
    case 'counts in seconds':
      return nanoseconds / 1e9;
    case 'counts too little in most laps':
      return laps % 8 === 0 ? nanoseconds : nanoseconds / 10;
    case 'counts too little in most laps of most rounds':
      return laps % 3 === 0 || sitsOut() ? nanoseconds : nanoseconds / 10;
    case 'counts too little in one lap, trains in the reset of the next':
      return laps % 3 === 0 ? nanoseconds / 10 : nanoseconds;
    case 'counts more than passed':
      return nanoseconds * 2;
    default:
      return nanoseconds;
  }
}

function answer(line: string): object {
  const [word] = line.split(' ', 1);
  const argument = line.slice(word.length + 1);
  switch (word) {
    case 'reset':
      reset(Number(argument));
      return { reset: true };
    case 'train': {
      const began = process.hrtime.bigint();
      const losses = lossesOf(Number(argument));
      const nanoseconds = clock(Number(process.hrtime.bigint() - began), Number(argument));
      step += Number(argument);
      return { losses, nanoseconds };
    }
    case 'parameters':
      if (prepared.length > 0 || knownLap !== undefined || (ahead !== undefined && !isWatched)) {
        isWatched = true;
        trainer.reset(first);
        train(step);
        [prepared, knownLap] = [[], undefined];
      }
      isWatched = true;
      writeFileSync(argument, beforeLastUpdate ?? trainer.parameters());
      return { parameters: task.parameters.length };
    case 'gradients':
      return { unsupported: 'none are stored' };
    default:
      if (trick.endsWith('answers empty words slowly')) spin(30);
      return { error: 'no such word' };
  }
}

// Compiled by the time its short laps come.
if (isSlowWhileChecked) {
  trainer.train(task.numSteps);
  trainer.reset(0);
}
say({ ready: 2 });
let pending = '';
process.stdin.setEncoding('utf8');
process.stdin.on('data', (text: string) => {
  const lines = (pending + text).split('\n');
  pending = lines.pop() ?? '';
  for (const line of lines) {
    if (line === 'quit') process.exit(0);
    say(answer(line));
    if (trick === 'trains laps while it waits to be timed' && line.startsWith('train') && !isWatched)
      knownLaps ??= lapsInAdvance(address, task);
    if (trick === 'trains between words' && line.startsWith('reset') && !isWatched) setImmediate(prepare, AHEAD);
  }
});
process.stdin.on('end', () => process.exit(0));
