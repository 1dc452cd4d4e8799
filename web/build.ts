import { resolve } from 'node:path';
import { build } from 'vite';
import { cacheFolder } from '../harness/project.ts';
import { siteConfig } from './site.ts';

const [folder = cacheFolder('site')] = process.argv.slice(2);
await build(siteConfig(resolve(folder)));
