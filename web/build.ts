import { resolve } from 'node:path';
import { Command } from 'commander';
import { build } from 'vite';
import { runScript } from '../harness/cli/run-program.ts';
import { cacheFolder } from '../harness/project.ts';
import { siteConfig } from './site.ts';

process.exitCode = await runScript(
  new Command('web:build')
    .usage('[folder]')
    .description('make the page of the race, for any web server')
    .argument('[folder]', 'where', cacheFolder('site'))
    .action((folder: string) => build(siteConfig(resolve(folder))).then(() => undefined)),
);
