import type { Command } from 'commander';
import { UsageError } from '../usage-error.ts';

/** Many people have these in their npm settings. */
const settingsOfNpm = new Set(['--save', '--no-save']);

/**
 * Refuses what npm kept for itself: `npm run bench --long` runs without `--long`, which npm puts into the environment as
 * `npm_config_long`. A value stays among the words.
 * @throws UsageError that shows the command with its `--`
 */
export function refuseForgottenDashes(command: Command, environment: NodeJS.ProcessEnv = process.env): void {
  if (environment['npm_lifecycle_event'] !== command.name()) return;
  const kept = command.options.flatMap((option) => {
    const flag = option.long ?? '';
    const given = environment[`npm_config_${flag.slice(2).replaceAll('-', '_')}`];
    if (settingsOfNpm.has(flag) || given === undefined || given === '' || given === 'false') return [];
    return [option.required ? `${flag} …` : flag];
  });
  if (kept.length === 0) return;
  throw new UsageError(
    `npm kept ${kept.join(', ')} for itself; write -- before the flags: npm run ${command.name()} -- ${kept.join(' ')}`,
  );
}
