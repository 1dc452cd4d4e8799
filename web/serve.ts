import { once } from 'node:events';
import { Command } from 'commander';
import { createServer } from 'vite';
import { runScript } from '../harness/cli/run-program.ts';
import { cacheFolder } from '../harness/project.ts';
import { siteConfig } from './site.ts';

async function serve(): Promise<void> {
  const server = await createServer(siteConfig(cacheFolder('site')));
  await server.listen();
  server.printUrls();
  if (server.httpServer !== null) await once(server.httpServer, 'close');
}

process.exitCode = await runScript(
  new Command('web')
    .usage('')
    .description('show the race in your own browser, from a server on this machine; Ctrl-C ends it')
    .action(serve),
);
