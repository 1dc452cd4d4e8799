import type { Machine } from '../results/schema.ts';

/** A machine as a column names it: operating system and processor, `linux AMD EPYC`, without the words that all processors' names share. */
export function machineLabel({ platform, cpu }: Pick<Machine, 'platform' | 'cpu'>): string {
  const name = cpu
    .replaceAll(/\((?:R|TM|C)\)/gi, '')
    .replace(/ (?:CPU|Processor|with .*|@ .*|\d+-Core .*).*$/i, '')
    .replaceAll(/\s+/g, ' ')
    .trim();
  return `${platform} ${name}`;
}
