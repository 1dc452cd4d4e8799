import { spawn } from 'node:child_process';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { projectRoot } from '../project.ts';
import { readHistory } from '../results/history.ts';
import { benchResultSchema } from '../results/schema.ts';
import { readResult } from '../results/store.ts';
import { refusedCommandLine } from '../testing/command-line.ts';

/** A folder of implementations that train plainly and tell made-up times, or do something worse. */
let folder: string;
let impls: string;
let results: string;

/** Answers the protocol. `behaviour` is one of the names below; a step takes as long as it is told, or longer. */
const program = `
import { readFileSync, writeFileSync } from 'node:fs';
import { enableCompileCache } from 'node:module';
import { createInterface } from 'node:readline';
enableCompileCache('../../compiled');
const { Teacher } = await import('${join(projectRoot, 'harness', 'verify', 'teacher.ts')}');
const { taskOfFlags } = await import('${join(projectRoot, 'harness', 'testing', 'task-of-flags.ts')}');
const { behaviour, microseconds, takesTasks } = JSON.parse(readFileSync('program.json', 'utf8'));
const say = (answer) => process.stdout.write(JSON.stringify(answer) + '\\n');
writeFileSync('../../pids/' + process.pid, '');
if (behaviour === 'declines') { say({ unsupported: 'not for this size' }); process.exit(0); }
let start, teacher;
const take = (words) => {
  const task = taskOfFlags(words);
  [start, teacher] = [task.parameters, new Teacher(task, 'float64')];
  begin(0);
  say({ ready: 2 });
};
// Trains for real, and then waits until as much time has passed as it is told to need.
let parameters;
const begin = (firstDocument) => {
  teacher.restart(firstDocument);
  [step, parameters] = [0, start];
};
const trainSteps = (steps) => Array.from({ length: steps }, () => {
  const { loss, after } = teacher.predict(parameters);
  parameters = after;
  return loss;
});
let step = 0;
take(process.argv.slice(2));
for await (const line of createInterface({ input: process.stdin })) {
  const [word, argument] = line.split(' ');
  if (word === 'quit') process.exit(0);
  else if (word === 'task' && takesTasks) take(readFileSync(argument, 'utf8').split('\\n'));
  else if (word === 'reset') { if (behaviour === 'hangs') continue; begin(+argument); say({ reset: true }); }
  else if (word === 'train') {
    if (behaviour === 'crashes') { console.error('out of cheese'); process.exit(3); }
    if (behaviour === 'babbles') { process.stdout.write('hello\\n'); continue; }
    const steps = Number(argument);
    const began = process.hrtime.bigint();
    const elapsed = () => Number(process.hrtime.bigint() - began);
    const answer = trainSteps(steps);
    while (elapsed() < steps * microseconds * 1000);
    const nanoseconds = elapsed();
    if (behaviour === 'errs' && step <= 5 && step + steps > 5) answer[5 - step] += 0.001;
    if (behaviour === 'diverges' && step <= 5 && step + steps > 5) answer[5 - step] = null;
    step += steps;
    say({ losses: answer, nanoseconds });
  } else if (word === 'gradients') say({ unsupported: 'none' });
  else if (word === 'parameters') {
    const shown = parameters.slice();
    if (behaviour === 'forgets' && step > 0) shown.fill(0, 0, 1);
    writeFileSync(argument, shown);
    say({ parameters: shown.length });
  } else say({ error: 'unknown word' });
}`;

interface Toy {
  readonly behaviour?: string;
  readonly microseconds?: number;
  /** Whether it knows the word `task`; one that does not is started anew for each random task. */
  readonly takesTasks?: boolean;
  readonly needs?: readonly { program: string }[];
}

async function toy(
  name: string,
  order: number,
  { behaviour = 'right', microseconds = 100, takesTasks = true, ...manifest }: Toy,
): Promise<void> {
  await mkdir(join(impls, name), { recursive: true });
  const run = { command: [process.execPath, 'program.mjs'] };
  const entry = { protocol: 2, language: 'Toy', technique: 'replays', precision: 'float64', order, run, ...manifest };
  await writeFile(join(impls, name, 'impl.json'), JSON.stringify(entry));
  await writeFile(join(impls, name, 'program.mjs'), program);
  await writeFile(join(impls, name, 'program.json'), JSON.stringify({ behaviour, microseconds, takesTasks }));
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'bench-'));
  impls = join(folder, 'impls');
  await toy('slow', 1, { microseconds: 2000 });
  await toy('fast', 2, { microseconds: 0 });
});
afterAll(() => rm(folder, { recursive: true, maxRetries: 3 }));
beforeEach(async () => {
  results = join(folder, 'results');
  await rm(results, { recursive: true, force: true });
  await rm(join(folder, 'pids'), { recursive: true, force: true });
  await mkdir(join(folder, 'pids'));
});

const benchWords = (words: readonly string[]) => ['bench', '--impls', impls, '--results', results, ...words];
const command = (words: readonly string[]) => [join(projectRoot, 'harness', 'cli', 'main.ts'), ...benchWords(words)];

async function bench(...words: string[]) {
  return execa(process.execPath, command(words), { cwd: folder, reject: false, env: { NO_COLOR: '1' } });
}

/** Every process the toys ever were is gone. */
/** Presses Ctrl-C when the progress says so. */
async function interrupted(words: readonly string[], at: string): Promise<{ output: string; exitCode: unknown }> {
  const child = spawn(process.execPath, command(words), { cwd: folder, env: { ...process.env, NO_COLOR: '1' } });
  let [output, progress] = ['', ''];
  child.stdout.on('data', (chunk) => {
    output += chunk;
  });
  await new Promise<void>((resolve) => {
    child.stderr.on('data', (chunk) => {
      progress += chunk;
      if (progress.includes(at)) resolve();
    });
  });
  child.kill('SIGINT');
  const exitCode = await new Promise((resolve) => child.once('close', resolve));
  return { output, exitCode };
}

async function expectNoChildLeft(): Promise<void> {
  for (const pid of await readdir(join(folder, 'pids'))) {
    expect(() => process.kill(Number(pid), 0), `process ${pid}`).toThrow('ESRCH');
  }
}

describe('bench', () => {
  it('prints one JSON document on standard output, with times and speedups, and exits with 0', async () => {
    const { stdout, exitCode } = await bench(
      ...['slow', 'fast', '--baseline', 'slow', '--baseline', 'fast'],
      ...['--quick', '--rounds', '2', '--no-save', '--json', '-'],
    );
    const result = benchResultSchema.parse(JSON.parse(stdout));
    expect(exitCode).toBe(0);
    const [slow, fast] = result.rows;
    if (slow.status !== 'verified' || fast.status !== 'verified') {
      throw new Error(`a row was refused: ${stdout}`);
    }
    expect(slow.microsecondsPerSample.median).toBeGreaterThan(1950);
    expect(slow.speedup['slow']?.median).toBe(1);
    expect(fast.speedup['slow']?.median).toBeGreaterThan(1);
    expect(fast.stepsVerified).toBe((fast.samplesMeasured / fast.samplesPerLap) * (fast.samplesPerLap + 1));
    expect(result.laps.firstDocuments).toHaveLength(2);
    expect(result.baselines).toEqual([{ row: 'slow' }, { row: 'fast' }]);
    expect(result.noise.calibratorMicroseconds).toHaveLength(2);
    expect(result.machine.simd128PeakGflops?.float32).toBeGreaterThan(0);
    await expect(readdir(results)).rejects.toThrow('ENOENT');
  });

  it('keeps the result and adds to the history', async () => {
    const { stdout, exitCode } = await bench('fast', '--rounds', '1');
    const [file] = (await readdir(results)).filter((name) => name.endsWith('.json'));
    expect(stdout).toContain(file);
    expect(exitCode).toBe(0);
    const stored = await readResult(join(results, file));
    expect(stored.rows.map((row) => row.implementation)).toEqual(['fast']);
    const {
      records: [record],
    } = await readHistory(join(results, 'history.ndjson'));
    expect(record.rows).toMatchObject([
      { implementation: 'fast', microsecondsPerSample: { median: expect.any(Number) } },
    ]);
  });

  it('ends the children, keeps what was measured and says where, and exits with 130 after Ctrl-C', async () => {
    const { output, exitCode } = await interrupted(['slow', 'fast', '--quick', '--rounds', '1000'], 'round 1 done');
    expect(exitCode).toBe(130);
    const files = await readdir(results);
    expect(files).toHaveLength(1);
    expect(output).toContain('interrupted; what was measured is in');
    expect(output).toContain(files[0]);
    expect((await readResult(join(results, files[0]))).rows).toHaveLength(2);
    await expectNoChildLeft();
  });

  it('says that nothing was saved after Ctrl-C before the first round', async () => {
    const { output, exitCode } = await interrupted(['slow', 'fast', '--quick'], 'verifying');
    expect(exitCode).toBe(130);
    expect(output).toMatch(/interrupted; nothing was saved\n$/);
    await expectNoChildLeft();
  });
});

describe('a bench with implementations that fail', () => {
  const bad = ['crashes', 'babbles', 'hangs', 'errs', 'diverges', 'forgets', 'declines'];
  beforeAll(async () => {
    for (const [i, behaviour] of bad.entries()) await toy(behaviour, 10 + i, { behaviour });
    await toy('plain', 9, { takesTasks: false });
    await toy('absent', 20, { needs: [{ program: 'no-such-program-anywhere' }] });
  });
  afterAll(async () => {
    for (const name of [...bad, 'plain', 'absent', 'garbled'])
      await rm(join(impls, name), { recursive: true, force: true });
  });

  it('refuses those with their reasons, times the others, exits with 1 and leaves no process', async () => {
    const { stdout, stderr, exitCode } = await bench(
      ...['fast', 'slow', ...bad, 'absent'],
      ...['--quick', '--rounds', '1', '--timeout', '1', '--no-save', '--json', '-'],
    );
    const result = benchResultSchema.parse(JSON.parse(stdout));
    const rows = Object.fromEntries(
      result.rows.map((row) => [
        row.implementation,
        row.status === 'verified' ? row.status : `${row.status}: ${row.reason}`,
      ]),
    );
    expect(rows).toMatchObject({
      fast: 'verified',
      slow: 'verified',
      crashes: expect.stringMatching(/^error: .*crashes/),
      babbles: expect.stringMatching(/^error: .*hello/),
      hangs: expect.stringMatching(/^error: .*hangs/),
      // A busy machine verifies fewer steps of the task itself; then a random task finds them.
      errs: expect.stringMatching(/^mismatch: (random task .*: )?step 6: /),
      diverges: expect.stringMatching(/^mismatch: (random task .*: )?step 6: .*not finite/),
      forgets: expect.stringMatching(/^mismatch: .*updated parameters off: wte/),
      declines: 'unsupported: not for this size',
      absent: expect.stringMatching(/^skipped: no-such-program-anywhere not found/),
    });
    expect(exitCode).toBe(1);
    await expectNoChildLeft();
    // Where Python is not among them, rows are compared with the first one named.
    expect(stderr).toContain('× fast');
    expect(stderr).toMatch(/slow .*×\d/);
  });

  it('exits with 0 where rows were skipped or unsupported only', async () => {
    const { exitCode, stdout } = await bench('plain', 'declines', 'absent', '--quick', '--rounds', '1', '--no-save');
    expect(exitCode).toBe(0);
    expect(stdout).toContain('absent: skipped: no-such-program-anywhere not found');
    expect(stdout).toContain('declines: unsupported: not for this size');
  });

  it('exits with 2 where a manifest cannot be read', async () => {
    await mkdir(join(impls, 'garbled'), { recursive: true });
    await writeFile(join(impls, 'garbled', 'impl.json'), '{"protocol":1}');
    const { exitCode, stderr } = await bench('garbled', '--quick', '--rounds', '1', '--no-save');
    expect(exitCode).toBe(2);
    expect(stderr).toMatch(/garbled.impl\.json: .*language/);
  });
});

describe('bad input', () => {
  it.each([
    [['fsat'], /unknown implementation "fsat"; did you mean "fast"\?/],
    [['--preset', 'd61'], /unknown preset "d61"/],
    [['--n-embd', '18'], /not divisible by --n-head/],
    [['--dataset', '/nowhere.txt'], /nowhere\.txt/],
    [['--rounds', '0'], /--rounds/],
    [['--precision', '-1'], /--precision/],
    [['--budget', 'soon'], /--budget/],
    [['--export', 'pdf=x'], /unknown format "pdf"/],
    [['--json', '/nowhere/x.json'], /nowhere/],
    [['--scaling', '--long'], /'--scaling' cannot be used with option '--long'/],
    [['--long', '--export', 'csv=x.csv'], /'--long' cannot be used with option '--export/],
    [['--long', '--n-embd', '32'], /'--long' cannot be used with option '--n-embd <n>'/],
    [['--scaling', '--preset', 'd64'], /'--scaling' cannot be used with option '--preset <name>'/],
    [['--long', '--runtime', 'node'], /'--long' cannot be used with option '--runtime/],
    [['--long', '--quick'], /'--long' cannot be used with option '--quick'/],
    [['--long', '--rounds', '3'], /'--long' cannot be used with option '--rounds <n>'/],
    [['--rounds', '3', '--budget', '9'], /'--rounds <n>' cannot be used with option '--budget/],
    [['--baseline', 'fsat'], /unknown implementation "fsat"; did you mean "fast"\?/],
    [['--verbose'], /--verbose belongs to --scaling/],
    [['--sort', 'name'], /Allowed choices are ladder, speed/],
  ])('%j gets one line and exit code 2, and nothing is written', async (words, message) => {
    const { exitCode, stdout, stderr } = await refusedCommandLine(...benchWords(words));
    expect(stderr).toMatch(message);
    expect(stderr.split('\n')).toHaveLength(1);
    expect([exitCode, stdout]).toEqual([2, '']);
    await expect(readdir(results)).rejects.toThrow('ENOENT');
    expect(await readdir(join(folder, 'pids'))).toEqual([]);
  });
});

it('merge and history refuse what is no result of theirs in one line', async () => {
  const file = join(folder, 'cut.json');
  await writeFile(file, '{"schemaVersion":1,');
  for (const words of [
    ['merge', file],
    ['merge', join(folder, 'none.json')],
    ['history', '--file', file],
  ]) {
    const { exitCode, stderr } = await refusedCommandLine(...words);
    expect(exitCode).toBe(2);
    expect(stderr).toMatch(/^error: [^\n]*(cut|none)\.json[^\n]*$/);
  }
  expect(await readFile(file, 'utf8')).toBe('{"schemaVersion":1,');
});
