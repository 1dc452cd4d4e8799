import { mkdir, writeFile } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { expect } from 'vitest';
import type { Fault } from './fault.ts';
import { checkPlanted, PATIENT } from './rows.ts';
import { rightManifest } from './world.ts';

/** A right row that needs a program, which is a shell script and is asked for its version. */
function needing(fault: string, status: 'verified' | 'skipped', says: RegExp, script: string): Fault {
  return {
    chapter: 'A program that a row needs is broken',
    fault: `A program that a row needs ${fault}`,
    outcome:
      status === 'verified' ? 'the row is verified all the same' : 'the row is `skipped` and says why; exit code 0',
    where: 'posix',
    attempt: async (world) => {
      await mkdir(world.path('bin'));
      await writeFile(world.path('bin', 'planted-tool'), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
      await world.plant('needing', { ...rightManifest, needs: [{ program: 'planted-tool', version: '>=1.0' }] });
      const PATH = [world.path('bin'), process.env['PATH']].join(delimiter);
      const row = await checkPlanted(world, 'needing', PATIENT, { env: { PATH } });
      expect(row).toMatchObject({ status, reason: expect.stringMatching(says), exitCode: 0 });
    },
  };
}

/** It is in a session of its own, and holds the standard output that it was given. */
const leaveDescendant = `${join(process.execPath)} -e "require('child_process').spawn('sleep', ['1000'], { stdio: 'inherit', detached: true }).unref()"`;

export const toolFaults: readonly Fault[] = [
  needing(
    'never tells its version, and leaves a descendant that holds its output',
    'skipped',
    /planted-tool did not end within 20 s/,
    `${leaveDescendant}; sleep 1000`,
  ),
  needing(
    'tells its version, and leaves a descendant that holds its output',
    'verified',
    /^$/,
    `${leaveDescendant}; echo planted-tool 1.2.3`,
  ),
  needing('crashes', 'skipped', /planted-tool ended with signal SIGSEGV/, 'kill -SEGV $$'),
  needing(
    'prints 300 megabytes where its version belongs',
    'skipped',
    /does not say its version/,
    "head -c 300000000 /dev/zero | tr '\\0' x",
  ),
  needing(
    'prints escapes and a workflow command where its version belongs',
    'skipped',
    /does not say its version/,
    "printf '\\033[2J\\n::error::planted\\n'",
  ),
];
