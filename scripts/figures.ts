import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { outputTarget, writeOutput } from '../harness/output-target.ts';
import { machineReports } from '../harness/present/report/machine-report.ts';
import { svgFiles } from '../harness/present/report/svg-files.ts';
import { displayPath, projectRoot } from '../harness/project.ts';
import { readResult, saveResult } from '../harness/results/store.ts';
import { UsageError } from '../harness/usage-error.ts';

/** What README shows, and the result that it was drawn from. */
const folder = join(projectRoot, 'docs', 'figures');
const stored = join(folder, 'result.json');

/** Draws README's charts again, from the result kept beside them or from another, which is kept in its place. */
async function main([path = stored]: readonly string[]): Promise<void> {
  const result = await readResult(path);
  const [machine] = machineReports([{ path, result }]);
  await mkdir(folder, { recursive: true });
  if (path !== stored) await saveResult(stored, result);
  for (const { name, svg } of svgFiles(machine)) await writeOutput(await outputTarget(name, join(folder, name)), svg);
  console.log(`figures in ${displayPath(folder)}`);
}

try {
  await main(process.argv.slice(2));
} catch (error) {
  if (!(error instanceof UsageError)) throw error;
  console.error(`error: ${error.message}`);
  process.exitCode = 2;
}
