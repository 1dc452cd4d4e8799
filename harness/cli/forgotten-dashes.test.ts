import { Command } from 'commander';
import { expect, test } from 'vitest';
import { UsageError } from '../usage-error.ts';
import { refuseForgottenDashes } from './forgotten-dashes.ts';

const bench = new Command('bench').option('--long').option('--n-embd <n>').option('--no-save');
const refuse =
  (environment: NodeJS.ProcessEnv, isOff = false) =>
  () =>
    refuseForgottenDashes(bench, environment, () => isOff);

test('flags that npm kept are shown with the -- they need', () => {
  const environment = { npm_lifecycle_event: 'bench', npm_config_long: 'true', npm_config_n_embd: 'true' };
  expect(refuse(environment)).toThrow(UsageError);
  expect(refuse(environment)).toThrow(/write -- before the flags: npm run bench -- --long --n-embd …$/);
});

test('--no-save, which npm has too, is one of them unless npm is set so anyway', () => {
  const environment = { npm_lifecycle_event: 'bench', npm_config_save: '' };
  expect(refuse(environment)).toThrow(/npm run bench -- --no-save$/);
  expect(refuse(environment, true)).not.toThrow();
});

test.each([
  ['a command run without npm', { npm_config_long: 'true' }],
  ['another script of npm’s', { npm_lifecycle_event: 'test', npm_config_long: 'true' }],
  ['settings that are not flags of the command', { npm_lifecycle_event: 'bench', npm_config_prefix: '/usr' }],
  ['a setting that is off', { npm_lifecycle_event: 'bench', npm_config_long: '' }],
])('%s is left alone', (_, environment) => {
  expect(refuse(environment)).not.toThrow();
});
