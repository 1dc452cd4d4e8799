import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Command } from 'commander';
import { runScript } from '../harness/cli/run-program.ts';
import { outputTarget, writeOutput } from '../harness/output-target.ts';
import { machineReports } from '../harness/present/report/machine-report.ts';
import { svgFiles } from '../harness/present/report/svg-files.ts';
import { displayPath, projectRoot } from '../harness/project.ts';
import { readResult, saveResult } from '../harness/results/store.ts';

/** Holds README's charts, and the result that they were drawn from. */
const folder = join(projectRoot, 'docs', 'figures');
const stored = join(folder, 'result.json');

const readme = join(projectRoot, 'README.md');

const picture = (name: string, alt: string) => `<picture>
  <source media="(prefers-color-scheme: dark)" srcset="docs/figures/${name}-dark.svg">
  <img alt="${alt}" src="docs/figures/${name}-light.svg">
</picture>`;

/** The text between README's markers. */
const block = [
  picture('bars', 'Time a document of every implementation, as bars on a logarithmic axis'),
  'What each idea brought, from row to row of one language:',
  picture('ladder', 'From row to row: the time that each idea took away, on a logarithmic axis'),
  'Drawn from one run, [docs/figures/result.json](docs/figures/result.json); `npm run figures -- RESULT` draws another.',
].join('\n\n');

/** Draws README's charts from a stored result and keeps that result beside them. Without an argument it uses the result kept there. */
async function figures(path = stored): Promise<void> {
  const result = await readResult(path);
  const [machine] = machineReports([{ path, result }]);
  await mkdir(folder, { recursive: true });
  if (path !== stored) await saveResult(stored, result);
  for (const { name, svg } of svgFiles(machine)) await writeOutput(await outputTarget(name, join(folder, name)), svg);
  const text = await readFile(readme, 'utf8');
  const filled = text.replace(
    /(<!-- figures: [^\n]* -->\n).*?(<!-- \/figures -->)/s,
    (_, start: string, end: string) => `${start}${block}\n${end}`,
  );
  await writeOutput(await outputTarget('README.md', readme), filled);
  console.log(`figures in ${displayPath(folder)}`);
}

process.exitCode = await runScript(
  new Command('figures')
    .usage('[result]')
    .description(
      "draw README's charts again, from docs/figures/result.json or from another result, which is kept in its place",
    )
    .argument('[result]')
    .action(figures),
);
