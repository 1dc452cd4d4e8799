import { createServer } from 'vite';
import { cacheFolder } from '../harness/project.ts';
import { siteConfig } from './site.ts';

if (process.argv.includes('--help')) {
  console.log(
    'Usage: npm run web\n\nShows the race in your own browser, from a server on this machine; Ctrl-C ends it.',
  );
} else {
  const server = await createServer(siteConfig(cacheFolder('site')));
  await server.listen();
  server.printUrls();
}
