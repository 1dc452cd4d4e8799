import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { positiveNumber, wholeNumberFrom } from '../cli/flags.ts';
import { parseExports } from '../present/export/export.ts';
import { discoverImplementations, isBroken } from '../program/discover.ts';
import { ImplementationFailure } from '../program/implementation-failure.ts';
import { LineReader } from '../program/line-reader.ts';
import { manifestSchema, PROTOCOL_VERSION } from '../program/manifest.ts';
import { startTrainer } from '../program/trainer-process.ts';
import { historyRecord, readHistory } from '../results/history.ts';
import { benchResultSchema } from '../results/schema.ts';
import { parseStored } from '../results/stored-json.ts';
import { readDataset } from '../task/dataset.ts';
import { UsageError } from '../usage-error.ts';
import { refusedCommandLine } from './command-line.ts';
import { benchResult, verifiedRow } from './example-result.ts';
import { hostileText } from './hostile-text.ts';
import { smallTask } from './small-task.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'microgpt-fuzz-'));
});
afterEach(() => rm(folder, { recursive: true, maxRetries: 3 }));

/** One line that a terminal and a CI service take for text. */
function expectOneLine(text: string): void {
  expect(text).not.toBe('');
  expect(text).not.toMatch(/[\p{Cc}\p{Cf}]/u);
}

/** What `work` yields, or undefined where it refused the input in one line. Anything else that it throws fails the test. */
async function unlessRefused<T>(work: () => T | Promise<T>): Promise<T | undefined> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof Error) || !(error instanceof UsageError || error.name === 'InvalidArgumentError'))
      throw error;
    expectOneLine(error.message);
    return undefined;
  }
}

/** A right document with one part replaced by something else, or a text that is cut or strange. */
function damaged(right: unknown): fc.Arbitrary<string> {
  const text = JSON.stringify(right);
  const anything = fc.oneof(fc.jsonValue(), hostileText());
  return fc.oneof(
    fc.nat(text.length).map((length) => text.slice(0, length)),
    fc.tuple(fc.nat(text.length), hostileText()).map(([at, other]) => text.slice(0, at) + other + text.slice(at + 1)),
    fc.tuple(fc.nat(), anything).map(([which, other]) => JSON.stringify(withPart(right, which, other)) ?? ''),
    anything.map((other) => JSON.stringify(other) ?? ''),
    hostileText(),
  );
}

/** Replaces a part of a JSON document, picked by a number, all the way down. */
function withPart(document: unknown, which: number, other: unknown): unknown {
  if (typeof document !== 'object' || document === null) return other;
  const entries = Object.entries(document);
  const [key, value] = entries[which % Math.max(1, entries.length)] ?? ['new', undefined];
  const rest = Math.floor(which / (entries.length + 1));
  const part = rest % 2 === 0 ? other : withPart(value, rest, other);
  return Array.isArray(document)
    ? document.map((item, i) => (String(i) === key ? part : item))
    : { ...document, [key]: part };
}

const manifest = {
  protocol: 2,
  language: 'Toy',
  technique: 'fuzzed',
  precision: 'float64',
  order: 1,
  needs: [{ program: 'node' }],
  build: { command: ['true', '{output}'] },
  run: { command: ['node', 'program.mjs'] },
};

describe('any text in place of what is expected is read, or refused in one line', () => {
  it('a manifest', async () => {
    const row = join(folder, 'row');
    await mkdir(row);
    await fc.assert(
      fc.asyncProperty(damaged(manifest), async (text) => {
        await writeFile(join(row, 'impl.json'), text);
        const found = await discoverImplementations(folder);
        expect(found).toHaveLength(1);
        for (const one of found) if (isBroken(one)) expectOneLine(one.problem);
        expect(await readdir(row)).toEqual(['impl.json']);
      }),
    );
  });

  it('a stored result', () =>
    fc.assert(
      fc.asyncProperty(damaged(benchResult({ rows: [verifiedRow()] })), async (text) => {
        const result = await unlessRefused(() => parseStored(text, benchResultSchema, 'result.json'));
        if (result !== undefined) expect(benchResultSchema.parse(JSON.parse(JSON.stringify(result)))).toEqual(result);
      }),
    ));

  it('a history: no line takes another with it, and the file stays as it is', async () => {
    const file = join(folder, 'history.ndjson');
    const right = JSON.stringify(historyRecord(benchResult()));
    await fc.assert(
      fc.asyncProperty(damaged(historyRecord(benchResult())), async (line) => {
        const text = `${right}\n${line}\n${right}\n`;
        await writeFile(file, text);
        const { records, unreadable } = await readHistory(file);
        expect(records.length).toBeGreaterThanOrEqual(2);
        unreadable.forEach(expectOneLine);
        expect(await readFile(file)).toEqual(Buffer.from(text));
      }),
    );
  });

  it('a data set', async () => {
    const file = join(folder, 'documents.txt');
    const bytes = fc.oneof(
      fc.uint8Array({ maxLength: 64 }),
      hostileText().map((text) => new TextEncoder().encode(text)),
    );
    await fc.assert(
      fc.asyncProperty(bytes, async (content) => {
        await writeFile(file, content);
        const dataset = await unlessRefused(() => readDataset(file));
        if (dataset !== undefined) expect(dataset.documents.length).toBeGreaterThan(0);
      }),
    );
  });

  it('the words of a command line: numbers and exports', () =>
    fc.assert(
      fc.asyncProperty(fc.oneof(hostileText(), fc.double().map(String)), async (text) => {
        const whole = await unlessRefused(() => wholeNumberFrom(1)(text));
        if (whole !== undefined) expect(Number.isSafeInteger(whole) && whole >= 1).toBe(true);
        const positive = await unlessRefused(() => positiveNumber(text));
        if (positive !== undefined) expect(positive > 0 && Number.isFinite(positive)).toBe(true);
        await unlessRefused(() => parseExports([text]));
        await unlessRefused(() => parseExports([`csv=${join(folder, 'no-such-folder')}/${text}`]));
        expect(await readdir(folder)).toEqual([]);
      }),
    ));

  it('a whole command line: it ends with 0 or 2, in one line where it is refused, and writes nothing half', async () => {
    const [stored, out] = [join(folder, 'result.json'), join(folder, 'out.json')];
    const result = JSON.stringify(benchResult({ rows: [verifiedRow()] }));
    await writeFile(stored, result);
    const value = fc.oneof(
      fc.constantFrom(stored, out, folder, join(folder, 'no', 'such'), '-', '', '0', '2', '-1', '1e999', 'd16', 'd61'),
      fc.constantFrom(`csv=${out}`, 'csv=-', 'pdf=x', 'analytic', 'node'),
      hostileText(),
    );
    const flag = fc.constantFrom(
      ...['--json', '--export', '--steps', '--rounds', '--budget', '--preset', '--n-embd', '--seed', '--timeout'],
      ...[
        '--dataset',
        '--runtime',
        '--sort',
        '--file',
        '--markdown',
        '--like',
        '--scaling',
        '--long',
        '--quick',
        '--help',
      ],
    );
    // A row that there is not: nothing is started. What needs no row is tried as it stands.
    const command = fc.constantFrom(
      ...[
        ['bench', 'no-such-row'],
        ['check', 'no-such-row'],
        ['profile', 'no-such-row'],
      ],
      ...[['history', '--file', out], ['merge', stored], ['merge'], ['show', stored], ['chek'], []],
    );
    const words = fc.array(fc.oneof(fc.tuple(flag, value), fc.tuple(flag), fc.tuple(value)), { maxLength: 4 });
    await fc.assert(
      fc.asyncProperty(command, words, async (first, rest) => {
        const { stdout, stderr, exitCode } = await refusedCommandLine(...first, ...rest.flat());
        expect([0, 2]).toContain(exitCode);
        expect(stdout + stderr).not.toMatch(/^\s+at .*:\d+:\d+/m);
        if (exitCode === 2 && first.length > 0) expectOneLine(stderr);
        expect(await readFile(stored, 'utf8')).toBe(result);
        for (const name of await readdir(folder)) expect(['result.json', 'out.json']).toContain(name);
        const written = await readFile(out, 'utf8').catch(() => '');
        await rm(out, { force: true });
        if (exitCode === 2) expect(written).toBe('');
      }),
      { numRuns: 60 },
    );
  });

  it.skipIf(process.platform === 'win32')(
    'what a program answers, in whatever pieces: a loss, or one line that names the program',
    async () => {
      const answer = join(folder, 'answer');
      await writeFile(
        join(folder, 'program.sh'),
        `echo '{"ready":${PROTOCOL_VERSION}}'; while read -r word; do for piece in answer.*; do cat $piece; done; echo; done`,
      );
      const right = new TextEncoder().encode('{"losses":[3.5],"nanoseconds":1000}');
      const bytes = fc.oneof(
        fc.uint8Array({ maxLength: 40 }),
        hostileText().map((text) => new TextEncoder().encode(text)),
        fc.jsonValue().map((value) => new TextEncoder().encode(JSON.stringify(value))),
        fc.constant(right),
        fc.nat(right.length).map((length) => right.slice(0, length)),
        fc.constant(new Uint8Array(100_000).fill(120)),
      );
      await fc.assert(
        fc.asyncProperty(bytes, fc.nat(), async (content, where) => {
          const at = where % (content.length + 1);
          await writeFile(`${answer}.1`, content.subarray(0, at));
          await writeFile(`${answer}.2`, content.subarray(at));
          const trainer = await startTrainer(
            {
              name: 'fuzzed',
              folder,
              manifest: manifestSchema.parse({ ...manifest, build: undefined, run: { command: ['sh', 'program.sh'] } }),
            },
            smallTask(),
          );
          const trained = await trainer.train(1).catch((error: unknown) => error);
          await trainer.quit();
          if (trained instanceof ImplementationFailure) expectOneLine(trained.message);
          else expect(trained).toMatchObject({ losses: { length: 1 }, nanoseconds: expect.any(Number) });
        }),
        { numRuns: 30 },
      );
    },
  );

  it('what a program prints, in whatever pieces it comes: as many lines as it ends, none longer than allowed', () =>
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 20 }), { maxLength: 12 }), (pieces) => {
        const lines: string[] = [];
        let tooLong = 0;
        const reader = new LineReader(
          () => 30,
          (line) => lines.push(line),
          () => tooLong++,
        );
        for (const piece of pieces) reader.push(piece);
        const ends = pieces.flatMap((piece) => [...piece]).filter((byte) => byte === 10).length;
        expect(lines.length).toBeLessThanOrEqual(ends);
        if (tooLong === 0) expect(lines.length).toBe(ends);
      }),
    ));
});
