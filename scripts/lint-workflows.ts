/** `npm run lint:workflows`: prints the problems of the files in `.github/workflows`, and exits with 1 if there are any. */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { workflowProblems } from './workflow-problems.ts';

const folder = join(import.meta.dirname, '..', '.github', 'workflows');
const names = (await readdir(folder)).filter((name) => /\.ya?ml$/.test(name));
const problems = await Promise.all(
  names.map(async (name) => workflowProblems(name, await readFile(join(folder, name), 'utf8'))),
);
for (const problem of problems.flat()) console.error(problem);
console.log(`${names.length} workflows, ${problems.flat().length} problems`);
process.exitCode = problems.flat().length === 0 ? 0 : 1;
