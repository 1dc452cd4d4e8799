import { execFileSync } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { expect } from 'vitest';
import { benchResult } from '../example-result.ts';
import type { Fault } from './fault.ts';
import { rightManifest } from './world.ts';

const chapter = 'An input makes no sense';

/** A command line that is refused in one line, with exit code 2, before anything runs. */
function refused(words: readonly string[], says: RegExp): Fault {
  return {
    chapter,
    fault: `\`${words.join(' ')}\``,
    outcome: 'one line says what was expected; exit code 2',
    attempt: async (world) => {
      const { stdout, stderr, exitCode } = await world.run(words);
      expect(stderr).toMatch(says);
      expect(stderr).toMatch(/^error: [^\n]+$/);
      expect(stdout).toBe('');
      expect(exitCode).toBe(2);
    },
  };
}

function dataset(fault: string, content: string | Uint8Array | undefined, says: RegExp): Fault {
  return {
    chapter,
    fault: `A data set ${fault}`,
    outcome: 'one line says what was expected; exit code 2',
    ...(content === undefined ? { where: 'posix' } : {}),
    attempt: async (world) => {
      const file = world.path('documents.txt');
      if (content === undefined) execFileSync('mkfifo', [file]);
      else await writeFile(file, content);
      const { stderr, exitCode } = await world.run(['check', 'analytic', '--dataset', file, '--steps', '2']);
      expect(stderr).toMatch(/^error: [^\n]+$/);
      expect(stderr).toMatch(says);
      expect(exitCode).toBe(2);
    },
  };
}

/** What `bench --resume` has no way to go on with. */
function unresumable(flag: string, ...words: readonly string[]): Fault {
  return {
    chapter,
    fault: `\`bench --resume\`, and the run that was interrupted was one of \`--${flag}\``,
    outcome: 'one line says what was expected; exit code 2',
    attempt: async (world) => {
      const file = world.path('result.json');
      await writeFile(
        file,
        JSON.stringify({ ...benchResult(), unfinished: true, command: ['bench', `--${flag}`, ...words] }),
      );
      const { stdout, stderr, exitCode } = await world.run(['bench', '--resume', file]);
      expect(stderr).toMatch(
        new RegExp(`^error: --resume: got a run of --${flag}; .*; run it anew: npm run bench -- --${flag}`),
      );
      expect([stdout, exitCode]).toEqual(['', 2]);
    },
  };
}

/** Rates at which training leaves the numbers there are: no row may be blamed, and nothing may break. */
function rate(learningRate: string): Fault {
  return {
    chapter,
    fault: `A learning rate of ${learningRate}, at which training diverges`,
    outcome: 'the right row is verified as far as losses are finite, or one line says that they are not',
    attempt: async (world) => {
      await world.plant('zz-right', rightManifest);
      const words = ['check', 'zz-right', '--impls', world.impls, '--learning-rate', learningRate, '--steps', '4'];
      const { stdout, stderr, exitCode } = await world.run(words);
      expect(stdout + stderr).not.toMatch(/float32|Adam|forgotten|missing/);
      expect([0, 2]).toContain(exitCode);
      if (exitCode === 2) expect(stderr).toMatch(/error: .*learning-rate|error: .*not finite/);
    },
  };
}

export const inputFaults: readonly Fault[] = [
  refused(['chek'], /did you mean|Did you mean/i),
  refused(['check', 'analitic'], /did you mean "analytic"/i),
  refused(['check', '--steps', '0'], /at least 1/),
  refused(['check', '--steps', '1e999'], /whole number/),
  refused(['check', '--steps', 'NaN'], /whole number/),
  refused(['check', '--n-embd', '18'], /divisible/),
  refused(['check', '--n-embd', '999999999'], /n-embd/),
  refused(['check', '--seed', '0.5'], /whole number/),
  refused(['check', '--learning-rate', '-1'], /above 0/),
  refused(['check', '--learning-rate', 'Infinity'], /number/),
  refused(['check', '--timeout', '0'], /above 0/),
  refused(['check', '--preset', 'd61'], /preset/),
  refused(['check', '--dataset', '/no/such/file'], /no\/such\/file/),
  refused(['check', '--no-such-flag'], /unknown option/),
  refused(['bench', '--rounds', '-1'], /at least 1/),
  refused(['bench', '--export', 'pdf=x'], /format/),
  refused(['bench', '--export', 'csv'], /FORMAT=FILE/i),
  ...['--scaling', '--long', '--like=x', '--quick'].map((flag) =>
    refused(['bench', '--resume', flag], /^error: --resume: got --\w+ too; .*; leave --\w+ out, or run anew without/),
  ),
  refused(['bench', '--scaling', '--long'], /'--scaling' cannot be used with option '--long'/),
  unresumable('scaling'),
  unresumable('like', 'other.json'),
  refused(['merge'], /missing required argument/),
  refused(['history', '--file', '/no/such/history.ndjson'], /the history is missing/),
  refused(['compare'], /--base/),
  refused(['compare', '--base', 'no-such-revision'], /no-such-revision/),
  refused(['new'], /missing required argument 'name'/),
  refused(['new', '../outside'], /cannot be the name/),
  refused(['new', 'x', '--language', 'cobol'], /cobol/),
  dataset('is empty', '', /empty/),
  dataset('has only blank lines', '\n \n\t\n', /empty/),
  dataset('is no text', new Uint8Array([1, 2, 0, 255]), /not text|UTF-8/),
  dataset('is not in UTF-8', new Uint8Array([0x61, 0xe4, 0x0a]), /UTF-8/),
  dataset('is a FIFO', undefined, /not a file|FIFO/),
  {
    chapter,
    fault: 'A data set has Windows line ends, a byte order mark and letters of any language',
    outcome: 'it is trained on',
    attempt: async (world) => {
      await writeFile(world.path('documents.txt'), 'größe\r\n名前\r\nanna\r\n');
      await world.plant('zz-right', rightManifest);
      const words = [
        'check',
        'zz-right',
        '--impls',
        world.impls,
        '--dataset',
        world.path('documents.txt'),
        '--steps',
        '2',
      ];
      expect((await world.run(words)).exitCode).toBe(0);
    },
  },
  {
    chapter,
    fault: "A data set's name holds a line end, a workflow command, a terminal escape and markup",
    outcome: 'they are shown as text, and it is trained on',
    where: 'posix',
    attempt: async (world) => {
      const file = world.path('x\n::error::planted\u001b[2J<script>.txt');
      await writeFile(file, 'anna\notto\n');
      await world.plant('zz-right', rightManifest);
      const words = ['check', 'zz-right', '--impls', world.impls, '--dataset', file, '--steps', '2'];
      const { stdout, exitCode } = await world.run(words);
      expect(stdout).toMatch(/::error::planted\\u\{1b\}\[2J<script>/);
      expect(exitCode).toBe(0);
    },
  },
  rate('0.5'),
  rate('100'),
  rate('1e300'),
];
