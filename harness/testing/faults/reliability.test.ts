import { join } from 'node:path';
import { expect, it } from 'vitest';
import { projectRoot } from '../../project.ts';
import { chapters } from './fault.ts';
import { faults } from './faults.ts';

const introduction = `# What happens when something goes wrong

A harness runs other people's programs for minutes, where nobody watches. It must end, tell the truth and keep what it has.
\`npm run test:faults\` makes each fault below happen and looks at the status of the row, the message, the exit code, the other
rows, the processes that are left and the files on disk. This page is written by that suite: \`npx vitest run reliability -u\`.

In every case: no stack trace of ours, no control character, no line that a CI service would obey, no process left, no temporary
file left, and every result on disk can be read.

| what keeps it so | Linux | macOS | Windows |
| --- | --- | --- | --- |
| A row and what it starts end together | process group, and a mark in the environment for what leaves the group | process group | \`taskkill /T\` |
| They end with the tool, also after \`kill -9\` | a watchdog (\`sh\`) that notices the end of its input | the same, for the process group | rows end when their input does; a running build goes on to its own end |
| A dump is read only from a regular file of the right size | yes | yes | yes, without the guard against links |
| A row cannot hold too much memory | looked at ten times a second while it is asked something, from \`/proc\` | no | no |

Rows and builds see a short list of environment variables (\`harness/program/live-processes.ts\`): no token among them. They run
as the same user, so they can read that user's files.
`;

it('docs/reliability.md tells every fault of the suite, and what happens then', async () => {
  const tables = chapters.map((chapter) => {
    const rows = faults.filter((one) => one.chapter === chapter);
    const lines = rows.map(({ fault, outcome }) => `| ${cell(fault)} | ${cell(outcome)} |`);
    return [`## ${chapter}`, '', '| fault | what happens |', '| --- | --- |', ...lines, ''].join('\n');
  });
  const page = [introduction, `${faults.length} faults:`, '', ...tables].join('\n');
  await expect(page).toMatchFileSnapshot(join(projectRoot, 'docs', 'reliability.md'));
});

it('every fault has a name of its own', () => {
  expect(new Set(faults.map(({ fault }) => fault)).size).toBe(faults.length);
});

function cell(text: string): string {
  return text.replaceAll('|', '\\|').replaceAll('<', '&lt;');
}
