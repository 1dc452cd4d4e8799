import { cp, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { PROTOCOL_VERSION } from '../../program/manifest.ts';

/** For tests: a row that wants a better time than it has earned. */
export interface Cheat {
  /** What it does; the first argument of `cheating-program.ts`. */
  readonly trick: string;
  /** What the table must say of it. */
  readonly reason: RegExp;
  /** Plays its trick in some processes or laps only; a long run has one of each. */
  readonly needsRounds?: true;
  /** A machine so busy that others take most of its time hides it. */
  readonly hidesInNoise?: true;
}

const otherLosses =
  /of a timed lap: got a loss of .*; a second process of the same row got|expected a loss of|random task/;
/** Where the told time is next to nothing, the first word of a lap looks long beside it. */
const untrueClock = /its clock says .* a step, ours .* a step|work was moved|impossible/;
const movedWork = (word: string) => new RegExp(`\`${word}\` took .*work was moved to where it is not timed`);

/** The tricks of programs that speak the protocol. docs/trust.md lists them, and what no check can see. */
export const cheats: readonly Cheat[] = [
  { trick: 'replays the losses of its first lap', reason: otherLosses },
  { trick: 'repeats the last loss after eight steps', reason: otherLosses },
  { trick: 'prints losses from a file of known ones', reason: otherLosses },
  { trick: 'keeps the losses of its laps in a file for later processes', reason: otherLosses },
  { trick: 'trains every second step only', reason: otherLosses },
  { trick: 'trains every second step only, but not in every round', reason: otherLosses, needsRounds: true },
  { trick: 'computes in a lower precision', reason: otherLosses },
  {
    trick: 'leaves out the last update of a lap',
    reason: /after the last step of a timed lap parameter \d+ was|expected/,
  },
  { trick: 'trains in reset', reason: movedWork('reset') },
  { trick: 'trains in the first step', reason: movedWork('train 1') },
  { trick: 'counts a thousandth of its time', reason: untrueClock },
  { trick: 'trains between words', reason: /it trains between words|work was moved/ },
  { trick: 'trains between words on another thread', reason: /it trains between words/, hidesInNoise: true },
  { trick: 'trains laps while it waits to be timed', reason: /in which it was asked nothing/, needsRounds: true },
  { trick: 'counts half of its time', reason: untrueClock, hidesInNoise: true },
  { trick: 'counts a tenth of its time', reason: untrueClock },
  {
    trick: 'is slow while it is checked, so that its laps are short, and counts too little',
    reason: untrueClock,
    needsRounds: true,
    hidesInNoise: true,
  },
  { trick: 'counts whole seconds', reason: untrueClock },
  { trick: 'counts in seconds', reason: untrueClock },
  { trick: 'counts too little in most laps', reason: untrueClock },
  {
    trick: 'counts too little in one lap, trains in the reset of the next',
    reason: untrueClock,
    needsRounds: true,
  },
  { trick: 'counts too little in most laps of most rounds', reason: untrueClock, needsRounds: true },
  { trick: 'counts too little and answers empty words slowly', reason: untrueClock },
  { trick: 'counts more than passed', reason: untrueClock },
];

/** A cheat in TypeScript: its host's clock is in its own process. */
const tamperingModule = `
const now = process.hrtime.bigint.bind(process.hrtime);
process.hrtime.bigint = () => now() / 100n;
const { default: createTrainer } = await import('./analytic/analytic.ts');
export default createTrainer;
`;

/** Cheats whose trick lies in the folder. */
export const folderCheats: readonly Cheat[] = [
  { trick: 'tampers with the clock of its host', reason: untrueClock },
  { trick: 'claims to be the reference', reason: /an implementation cannot claim one/ },
];

/** Lays a folder for every cheat, named after its place in the list. `module` is an honest trainer in TypeScript, with all its files. */
export async function plantCheats(
  root: string,
  module: { readonly folder: string; readonly file: string },
): Promise<void> {
  const manifest = { protocol: PROTOCOL_VERSION, language: 'TS', precision: 'float64', order: 1 };
  const program = join(import.meta.dirname, 'cheating-program.ts');
  const plant = async (name: string, entry: object) => {
    await mkdir(join(root, name), { recursive: true });
    await writeFile(join(root, name, 'impl.json'), JSON.stringify({ ...manifest, technique: name, ...entry }));
  };
  for (const [i, { trick }] of cheats.entries()) {
    await plant(cheatName(i), {
      run: { command: [process.execPath, program, trick, join(module.folder, module.file)] },
    });
  }
  await plant('tamper', { run: { module: 'tamper.ts' } });
  await cp(module.folder, join(root, 'tamper', 'analytic'), { recursive: true });
  await cp(join(module.folder, '..', 'contract.ts'), join(root, 'tamper', 'contract.ts'));
  await writeFile(join(root, 'tamper', 'tamper.ts'), tamperingModule);
  await plant('claim', { run: { module: 'tamper.ts' }, roles: ['reference'] });
}

export function cheatName(index: number): string {
  return `cheat-${index}`;
}
