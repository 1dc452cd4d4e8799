import { spawnSync } from 'node:child_process';
import type { Command } from 'commander';
import { UsageError } from '../usage-error.ts';

/**
 * Refuses what npm kept for itself: `npm run bench --long` runs without `--long`, which npm puts into the environment as
 * `npm_config_long`, and `--no-save` as an empty `npm_config_save`. A value stays among the words.
 * @param isOff whether npm has a setting off anyway: then that it is off says nothing of the command line
 * @throws UsageError that shows the command with its `--`
 */
export function refuseForgottenDashes(
  command: Command,
  environment: NodeJS.ProcessEnv = process.env,
  isOff: (setting: string) => boolean = isOffInNpm,
): void {
  if (environment['npm_lifecycle_event'] !== command.name()) return;
  const kept = command.options.flatMap((option) => {
    const flag = option.long ?? '';
    const setting = flag.replace(option.negate ? '--no-' : '--', '');
    const given = environment[`npm_config_${setting.replaceAll('-', '_')}`];
    const isKept = option.negate ? given === '' && !isOff(setting) : !['', 'false', undefined].includes(given);
    if (!isKept) return [];
    return [option.required ? `${flag} …` : flag];
  });
  if (kept.length === 0) return;
  throw new UsageError(
    `npm kept ${kept.join(', ')} for itself; write -- before the flags: npm run ${command.name()} -- ${kept.join(' ')}`,
  );
}

/** Asks npm what its files say, without the flags of the command line. */
function isOffInNpm(setting: string): boolean {
  const { [`npm_config_${setting}`]: _, ...env } = process.env;
  // Through a shell, for npm is a batch file on Windows.
  const asked = spawnSync(`npm config get ${setting}`, { env, encoding: 'utf8', shell: true });
  return asked.stdout?.trim() === 'false';
}
