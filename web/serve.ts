import { createServer } from 'vite';
import { cacheFolder } from '../harness/project.ts';
import { siteConfig } from './site.ts';

const server = await createServer(siteConfig(cacheFolder('site')));
await server.listen();
server.printUrls();
