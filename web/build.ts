import { resolve } from 'node:path';
import { build } from 'vite';
import { cacheFolder } from '../harness/project.ts';
import { siteConfig } from './site.ts';

if (process.argv.includes('--help')) {
  console.log(
    'Usage: npm run web:build -- [folder]\n\nMakes the page of the race, for any web server; in .cache/site unless a folder is named.',
  );
} else {
  const [folder = cacheFolder('site')] = process.argv.slice(2);
  await build(siteConfig(resolve(folder)));
}
