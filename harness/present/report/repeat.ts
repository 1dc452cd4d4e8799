import type { BenchResult } from '../../results/schema.ts';

/** The commands that measure a result again, as one types them. */
export function repeatCommands({ commit, command }: BenchResult): string {
  const [name, ...words] = command.map(shellWord);
  return [
    ...(commit === undefined ? [] : [`git checkout ${shellWord(commit.replace(/-dirty$/, ''))}`]),
    'npm ci',
    ['npm run', name, ...(words.length === 0 ? [] : ['--', ...words])].join(' '),
  ].join('\n');
}

/** A word as a POSIX shell takes it, quoted where it must be. */
function shellWord(text: string): string {
  return /^[\w./:@=-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}
