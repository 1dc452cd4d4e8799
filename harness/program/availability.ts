import type { Implementation } from './discover.ts';
import { findProgram, findRuntime, programVersion, type RuntimeName } from './runtime.ts';

/** Whether an implementation can run here, and on what. `versions` maps each program it needs to what `--version` said. */
export type Availability =
  | { readonly available: true; readonly versions: Readonly<Record<string, string>> }
  | { readonly available: false; readonly reason: string };

/** Looks up what an implementation needs. A program that is there but cannot even say its version counts as missing. */
export async function availability(
  implementation: Implementation,
  runtime: RuntimeName = 'node',
): Promise<Availability> {
  const versions: Record<string, string> = {};
  if ('module' in implementation.manifest.run) {
    const found = await cached(`runtime ${runtime}`, async () => (await findRuntime(runtime))?.version);
    if (found === undefined) return { available: false, reason: `${runtime} not found` };
    versions[runtime] = found;
  }
  for (const { program, hint } of implementation.manifest.needs) {
    const version = await cached(`program ${program}`, async () => {
      const path = await findProgram(program);
      return path === undefined ? undefined : programVersion(path);
    });
    if (version === undefined) {
      return { available: false, reason: `${program} not found${hint === undefined ? '' : ` (${hint})`}` };
    }
    versions[program] = version;
  }
  return { available: true, versions };
}

const lookups = new Map<string, Promise<string | undefined>>();

/** Several implementations need the same program: each is asked once. */
function cached(key: string, look: () => Promise<string | undefined>): Promise<string | undefined> {
  const { PATH } = process.env;
  const known = lookups.get(`${PATH} ${key}`);
  if (known !== undefined) return known;
  const looking = look();
  lookups.set(`${PATH} ${key}`, looking);
  return looking;
}
