/**
 * A row that trains rightly and misbehaves in one way: `wayward-row.ts FAULT --tokens FILE …`. It really does what its fault
 * says: it hangs, floods, forks, replaces files. Its losses are the honest trainer's, so that nothing else gives it away.
 */
import { execFileSync, spawn } from 'node:child_process';
import {
  appendFileSync,
  closeSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { pathToFileURL } from 'node:url';
import { z } from 'zod';
import type { CreateTrainer, Trainer } from '../../../impls/contract.ts';
import { PROTOCOL_VERSION } from '../../program/manifest.ts';
import { implementationsRoot } from '../../project.ts';
import { taskOfFlags } from '../task-of-flags.ts';

const [fault = '', ...words] = process.argv.slice(2);
const flag = (name: string) => words[words.indexOf(`--${name}`) + 1];

const print = (text: string | Uint8Array) => process.stdout.write(text);
const answer = (line: unknown) => print(`${JSON.stringify(line)}\n`);
/** Nothing is read or answered any more, and the process stays. */
const hang = () => {
  setInterval(() => {}, 1_000_000);
  process.stdin.pause();
  listening = false;
};
let listening = true;
const die = (signal: NodeJS.Signals) => process.kill(process.pid, signal);
const flood = (stream: NodeJS.WriteStream) => {
  const more = () => stream.write('x'.repeat(2 ** 16), () => setImmediate(more));
  more();
};

type Losses = { losses: (number | null)[]; nanoseconds: number };
type Words = Readonly<Record<string, (honest: () => unknown, argument: string) => void>>;
const atTheStart: Readonly<Record<string, (honest: () => void) => void>> = {
  'exits before it is ready': () => process.exit(3),
  'exits with 0 before it is ready': () => process.exit(0),
  'is killed before it is ready': () => void die('SIGKILL'),
  'never gets ready': hang,
  'greets with words': (honest) => {
    print('loading …\n');
    honest();
  },
  'is ready twice': (honest) => {
    honest();
    honest();
  },
  'speaks protocol 99': () => answer({ ready: 99 }),
  'speaks protocol 1': () => answer({ ready: 1 }),
  'is ready without an end of line': () => print(`{"ready":${PROTOCOL_VERSION}}`),
  'greets with a blank line': (honest) => {
    print('\n');
    honest();
  },
  'greets with an array': () => answer([]),
  'greets with a number': () => answer(PROTOCOL_VERSION),
  'greets with null': () => answer(null),
  'greets with bytes that are no text': () => print(new Uint8Array([0xff, 0xfe, 0x00, 0x80, 0x0a])),
  'greets with NUL bytes': () => print('\0\0\0\n'),
  'greets with a line without end': () => flood(process.stdout),
  'declines with escapes and a workflow command': () => {
    answer({ unsupported: 'not\n::error file=x::planted \u001b[2J\u202e=1+1' });
    process.exit(0);
  },
  'declines without a reason': () => answer({ unsupported: 5 }),
  'gives a build time below 0': () => answer({ ready: PROTOCOL_VERSION, buildNanoseconds: -1 }),
  'floods standard error': (honest) => {
    process.stderr.write(`${'x'.repeat(999)}\n`.repeat(100_000));
    honest();
  },
  'closes its standard output': () => {
    closeSync(1);
    hang();
  },
  'closes its standard input': () => {
    process.stdin.destroy();
    answer({ ready: PROTOCOL_VERSION });
    hang();
  },
  'hangs in round 1 before it is ready': (honest) => (ordinal === 2 ? hang() : honest()),
  'ends if a program of another row goes on': (honest) => {
    for (let turn = 0; programsOfOtherRows().length > 0; turn++) {
      if (turn === 100) process.exit(9);
      sleep(100);
    }
    honest();
  },
  'is ready and hangs': () => {
    answer({ ready: PROTOCOL_VERSION });
    hang();
  },
};

function onTrain(change: (reply: Losses) => unknown): Words {
  return { train: (honest) => answer(change(trainReply.parse(honest()))) };
}
const trainReply = z.object({ losses: z.array(z.number().nullable()), nanoseconds: z.number() });
const parametersOf = (write: (file: string, honest: () => unknown) => void): Words => ({
  parameters: (honest, file) => {
    rmSync(file, { force: true });
    write(file, honest);
    answer({ parameters: trainer.parameters().length });
  },
});
const trainThen = (act: () => void): Words => ({
  train: (honest) => {
    act();
    answer(honest());
  },
});

/** Processes with the mark of this run, from /proc. A row works in its own folder. */
function programsOfOtherRows(): readonly string[] {
  const [run = ''] = process.env['MICROGPT_BENCH_RUN']?.split('.') ?? [];
  return readdirSync('/proc').filter((entry) => {
    try {
      const isOfRun = readFileSync(`/proc/${entry}/environ`, 'latin1').includes(`MICROGPT_BENCH_RUN=${run}.`);
      return isOfRun && readlinkSync(`/proc/${entry}/cwd`) !== process.cwd();
    } catch {
      return false;
    }
  });
}

/** What tells its task from others: every process has files of its own. */
const sizes = words.filter((word) => !word.includes('task')).join(' ');

/** How many processes there have been on its first task; 0 on another task. Each leaves a line in the folder. */
function processesOnTask(): number {
  const starts = readFileSync('starts.txt', 'utf8').trimEnd().split('\n');
  return starts[0] === sizes ? starts.filter((task) => task === starts[0]).length : 0;
}
/** Which of them this is, from 1. */
function processOnTask(): number {
  appendFileSync('starts.txt', `${sizes}\n`);
  return processesOnTask();
}
/** 0 is one of the gauntlet, 1 admission and then the witness, 2 round 1, 3 round 2. */
const breaksIn = (broken: number, isTime = () => true): Words => ({
  train: (honest) => {
    if (ordinal === broken && isTime()) {
      process.stderr.write('the last words\n');
      process.exit(7);
    }
    answer(honest());
  },
});
/** Asked for only where a fault needs it, for it writes a file. */
const ordinal = /in round|in its witness|in the gauntlet|stopped|of its task/.test(fault) ? processOnTask() : -1;

/** Is right until it is timed. */
const inRound1 = (word: string, act: (honest: () => unknown) => void): Words => ({
  [word]: (honest) => (ordinal === 2 ? act(honest) : answer(honest())),
});
const sleep = (milliseconds: number) => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, milliseconds);
/** Stops the tool, as Ctrl-Z does, and lets it go on after these seconds, as `fg` does; and other processes with it. */
function stopTool(seconds: number, ...others: readonly number[]): void {
  process.kill(process.ppid, 'SIGSTOP');
  const all = (signal: string) => [process.ppid, ...others].map((pid) => `kill -${signal} ${pid}`).join('; ');
  const script = `${all('STOP')}; sleep ${seconds}; ${all('CONT')}`;
  spawn('sh', ['-c', script], { stdio: 'ignore', detached: true }).unref();
}
/** Which `train` of this process it is, from 1. */
let trained = 0;

const atAWord: Readonly<Record<string, Words>> = {
  'answers while the tool is stopped for longer than its time': {
    train: (honest) => {
      trained++;
      if (trained === 3 && ordinal === 1) {
        stopTool(6);
        sleep(7_000);
      }
      answer(honest());
    },
  },
  'is stopped together with the tool in its timed lap': onTrain(({ losses, nanoseconds }) => {
    if (ordinal === 0) return { losses, nanoseconds };
    trained++;
    const began = process.hrtime.bigint();
    if (trained === 3 && ordinal === 2) stopTool(4, process.pid);
    // Each step as long as the others, however long the laps come out.
    sleep(400 * losses.length);
    return { losses, nanoseconds: nanoseconds + Number(process.hrtime.bigint() - began) };
  }),
  'answers with too few losses': onTrain(({ losses, ...rest }) => ({ losses: losses.slice(1), ...rest })),
  'answers with too many losses': onTrain(({ losses, ...rest }) => ({ losses: [...losses, 1], ...rest })),
  'answers with losses in words': onTrain(({ losses, ...rest }) => ({ losses: losses.map(String), ...rest })),
  'answers with NaN, which JSON lacks': { train: () => print('{"losses":[NaN],"nanoseconds":1}\n') },
  'answers with null losses': onTrain(({ losses, ...rest }) => ({ losses: losses.map(() => null), ...rest })),
  'answers with a huge loss': onTrain(({ losses, ...rest }) => ({ losses: losses.map(() => 1e308), ...rest })),
  'answers without a time': onTrain(({ losses }) => ({ losses })),
  'answers with no time at all': onTrain(({ losses }) => ({ losses, nanoseconds: 0 })),
  'answers with a time below 0': onTrain(({ losses }) => ({ losses, nanoseconds: -5 })),
  'answers with a time in words': onTrain(({ losses }) => ({ losses, nanoseconds: '5' })),
  'answers with a field too many': onTrain((reply) => ({ ...reply, mood: 'good' })),
  'answers `train` with an error': { train: () => answer({ error: 'out of luck' }) },
  'answers with an error of many lines': { train: () => answer({ error: 'a\n::error::planted\n\u001b[31mb' }) },
  'answers in two lines': { train: (honest) => print(JSON.stringify(honest(), undefined, 2)) },
  'answers half a line': {
    train: () => {
      print('{"losses":[3');
      hang();
    },
  },
  'answers without an end of line': {
    train: (honest) => {
      print(JSON.stringify(honest()));
      hang();
    },
  },
  'answers twice': { train: (honest) => ((reply) => print(`${reply}\n${reply}\n`))(JSON.stringify(honest())) },
  'talks between answers': {
    train: (honest) => {
      answer(honest());
      print('by the way\n');
    },
  },
  'floods standard output': { train: () => flood(process.stdout) },
  'breaks in the gauntlet': breaksIn(0),
  'breaks in round 1': breaksIn(2),
  'breaks in its witness': breaksIn(1, () => processesOnTask() > 1),
  'breaks in round 2': breaksIn(3),
  'sleeps before every answer': {
    train: (honest) => {
      sleep(1_500);
      answer(honest());
    },
  },
  'takes seconds for every step of its task': onTrain(({ losses, nanoseconds }) => {
    if (ordinal > 0) sleep(1_500 * losses.length);
    return { losses, nanoseconds: nanoseconds + (ordinal > 0 ? 1.5e9 * losses.length : 0) };
  }),
  'hangs in round 1 in `train`': inRound1('train', hang),
  'hangs in round 1 in `parameters`': inRound1('parameters', hang),
  'sleeps before every answer in round 1': inRound1('train', (honest) => {
    sleep(1_500);
    answer(honest());
  }),
  'floods standard error in round 1': inRound1('train', () => flood(process.stderr)),
  // Of its processor time: on a busy machine a tenth of what the clock says can be what a step takes.
  'counts a tenth of its time': {
    train: (honest) => {
      const before = process.cpuUsage();
      const { losses } = trainReply.parse(honest());
      const { user, system } = process.cpuUsage(before);
      answer({ losses, nanoseconds: Math.max(1, 100 * (user + system)) });
    },
  },
  'hangs in `train`': { train: hang },
  'computes for ever in `train`': {
    train: () => {
      for (;;) trainer.train(1);
    },
  },
  'says its last words in pieces': {
    train: () => {
      for (const piece of ['the la', 'st words', '\nand m', 'ore\n']) {
        process.stderr.write(piece);
        sleep(50);
      }
      process.exit(7);
    },
  },
  'fills its disk before it writes its parameters': parametersOf((file, honest) => {
    try {
      for (;;) writeFileSync(`${file}.filler`, new Uint8Array(2 ** 12), { flag: 'a' });
    } catch {
      honest();
    }
  }),
  'hangs in `reset`': { reset: hang },
  'hangs in `parameters`': { parameters: hang },
  'stops itself': { train: () => void die('SIGSTOP') },
  'crashes in `train`': {
    train: () => {
      process.stderr.write('the last words\n');
      process.exit(7);
    },
  },
  'throws in `train`': {
    train: () => {
      throw new Error('thrown on purpose');
    },
  },
  'exits with 0 in `train`': { train: () => process.exit(0) },
  'is killed by SIGSEGV in `train`': { train: () => void die('SIGSEGV') },
  'crashes after its answer': {
    train: (honest) => {
      answer(honest());
      process.exit(7);
    },
  },
  'crashes in `reset`': { reset: () => process.exit(7) },
  'answers `reset` wrongly': { reset: () => answer({ reset: 1 }) },
  'dies with escapes on standard error': {
    train: () => {
      process.stderr.write('::error::planted\n\u001b]0;title\u0007\u001b[2J\n');
      process.exit(7);
    },
  },
  'ignores `quit`': { quit: hang },
  'prints on `quit`': {
    quit: () => {
      print('goodbye\n');
      process.exit(0);
    },
  },
  'exits with 9 on `quit`': { quit: () => process.exit(9) },
  'grows without end': {
    train: () => {
      const kept: Uint8Array[] = [];
      setInterval(() => kept.push(new Uint8Array(2 ** 28).fill(1)), 1);
    },
  },
  'leaves a descendant that holds its output': trainThen(() => {
    spawn('sleep', ['1000'], { stdio: 'inherit' }).unref();
  }),
  'leaves a descendant in a session of its own': trainThen(() => {
    spawn('sleep', ['1000'], { stdio: 'ignore', detached: true }).unref();
  }),
  'leaves a descendant that ignores signals': trainThen(() => {
    spawn('sh', ['-c', 'trap "" TERM HUP INT; while :; do sleep 1; done'], { stdio: 'ignore', detached: true }).unref();
  }),
  'makes its dump a FIFO': parametersOf((file) => execFileSync('mkfifo', [file])),
  'makes its dump a link to an endless device': parametersOf((file) => symlinkSync('/dev/zero', file)),
  'makes its dump a link to nothing': parametersOf((file) => symlinkSync(join(dirname(file), 'nothing'), file)),
  'makes its dump a folder': parametersOf((file) => mkdirSync(file)),
  'writes half of its dump': parametersOf((file) => writeFileSync(file, new Uint8Array(8))),
  'writes an empty dump': parametersOf((file) => writeFileSync(file, '')),
  'writes no dump': parametersOf(() => {}),
  'writes one number too many': parametersOf((file, honest) => {
    honest();
    writeFileSync(file, new Uint8Array(8), { flag: 'a' });
  }),
  'writes a dump of a terabyte': parametersOf((file) => {
    writeFileSync(file, '');
    truncateSync(file, 2 ** 40);
  }),
  'writes a dump that is not finite': parametersOf((file) =>
    writeFileSync(file, new Uint8Array(new Float64Array(trainer.parameters().length).fill(Number.NaN).buffer)),
  ),
  'writes zeros': parametersOf((file) => writeFileSync(file, new Uint8Array(8 * trainer.parameters().length))),
  'removes the folder of its dump': parametersOf((file) => rmSync(dirname(file), { recursive: true })),
  'counts its dump wrongly': {
    parameters: (honest) => {
      honest();
      answer({ parameters: 3 });
    },
  },
  'declines `parameters`': { parameters: () => answer({ unsupported: 'no' }) },
  'removes its task files': trainThen(() => {
    for (const name of ['tokens', 'offsets', 'parameters']) rmSync(flag(name), { force: true });
  }),
  'cuts its task files': trainThen(() => {
    for (const name of ['tokens', 'parameters']) truncateSync(flag(name), 16);
  }),
  'overwrites its task files': trainThen(() => {
    for (const name of ['tokens', 'parameters'])
      writeFileSync(flag(name), new Uint8Array(readFileSync(flag(name)).length));
  }),
  'makes its task files links to an endless device': trainThen(() => {
    rmSync(flag('tokens'));
    symlinkSync('/dev/zero', flag('tokens'));
  }),
  'tells its environment': {
    train: () => {
      const secrets = Object.values(process.env).filter((value) => value === 'planted-secret');
      process.stderr.write(`saw ${secrets.length} secrets of ${Object.keys(process.env).length} variables\n`);
      process.exit(7);
    },
  },
};

/** Every fault there is; the suite asks for each by its name. */
if (fault !== 'none' && !(fault in atTheStart) && !(fault in atAWord)) throw new Error(`there is no fault "${fault}"`);

const trainer = await createHonestTrainer();
const ready = () => void answer({ ready: PROTOCOL_VERSION });
const begin = atTheStart[fault];
if (begin === undefined) {
  ready();
} else {
  tellThatItBegins();
  begin(ready);
}

for await (const line of createInterface({ input: process.stdin })) {
  if (!listening) continue;
  const [, word = '', argument = ''] = /^(\S+) ?(.*)$/.exec(line) ?? [];
  const honest = () => honestReply(word, argument);
  const wayward = atAWord[fault]?.[word];
  if (wayward !== undefined) {
    tellThatItBegins();
    wayward(honest, argument);
  } else if (word === 'quit') process.exit(0);
  else answer(honest());
}

/** For a test that kills the tool then. Written once: a fault may come with every word. */
function tellThatItBegins(): void {
  if (!existsSync('begun')) writeFileSync('begun', '');
}

function honestReply(word: string, argument: string): unknown {
  switch (word) {
    case 'train': {
      const began = process.hrtime.bigint();
      const losses = Array.from(trainer.train(Number(argument)), (loss) => (Number.isFinite(loss) ? loss : null));
      return { losses, nanoseconds: Number(process.hrtime.bigint() - began) };
    }
    case 'reset':
      trainer.reset(Number(argument));
      return { reset: true };
    case 'parameters':
      writeFileSync(argument, new Uint8Array(trainer.parameters().buffer));
      return { parameters: trainer.parameters().length };
    case 'gradients':
      return { unsupported: 'gradients are never stored' };
    default:
      return { error: `unknown word ${word}` };
  }
}

async function createHonestTrainer(): Promise<Trainer> {
  const folder = join(implementationsRoot, 'analytic');
  const manifest = z
    .object({ run: z.object({ module: z.string() }) })
    .parse(JSON.parse(readFileSync(join(folder, 'impl.json'), 'utf8')));
  const loaded: { readonly default: CreateTrainer } = await import(
    pathToFileURL(join(folder, manifest.run.module)).href
  );
  return loaded.default(taskOfFlags(words));
}
