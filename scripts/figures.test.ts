import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { machineReports } from '../harness/present/report/machine-report.ts';
import { svgFiles } from '../harness/present/report/svg-files.ts';
import { projectRoot } from '../harness/project.ts';
import { readResult } from '../harness/results/store.ts';

const figure = (name: string) => join(projectRoot, 'docs/figures', name);

const kept = existsSync(figure('result.json'));
const when = (title: string) =>
  kept ? title : `${title} (skipped: no result is kept yet; \`npm run figures -- RESULT\` keeps one)`;

test.skipIf(!kept)(
  when('README’s charts are those of the result kept beside them; `npm run figures` draws them again'),
  async () => {
    const path = figure('result.json');
    const [machine] = machineReports([{ path, result: await readResult(path) }]);
    for (const { name, svg } of svgFiles(machine)) expect(await readFile(figure(name), 'utf8'), name).toBe(svg);
  },
);

test.skipIf(!kept)(when('README shows bars and ladder, in light and in dark'), async () => {
  const readme = await readFile(join(projectRoot, 'README.md'), 'utf8');
  for (const name of ['bars', 'ladder'])
    for (const scheme of ['light', 'dark']) expect(readme).toContain(`docs/figures/${name}-${scheme}.svg`);
});
