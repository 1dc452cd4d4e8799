import type { Implementation } from './discover.ts';
import type { NeededTool } from './manifest.ts';
import { findRuntime, type Runtime, type RuntimeName } from './runtime.ts';
import { findTool, type MissingTool, type Tool } from './tool.ts';

/** `versions` are what its programs and their libraries say of themselves. */
type Availability =
  | { readonly available: true; readonly versions: Readonly<Record<string, string>> }
  | { readonly available: false; readonly reason: string };

export async function availability(
  implementation: Implementation,
  runtime: RuntimeName = 'node',
): Promise<Availability> {
  const versions: Record<string, string> = {};
  if ('module' in implementation.manifest.run) {
    const found = await hostVersion(runtime);
    if (found === undefined) return { available: false, reason: `${runtime} not found` };
    versions[runtime] = found;
  }
  for (const need of implementation.manifest.needs) {
    const tool = await lookUp(need);
    if ('missing' in tool) return { available: false, reason: tool.missing };
    Object.assign(versions, tool.versions);
  }
  return { available: true, versions };
}

/** A command of the manifest, with the program's place here. */
export async function locateCommand(
  implementation: Implementation,
  [program = '', ...words]: readonly string[],
): Promise<readonly string[]> {
  const need = implementation.manifest.needs.find((one) => one.program === program);
  const tool = need && (await lookUp(need));
  return tool === undefined || 'missing' in tool ? [program, ...words] : [...tool.words, ...words];
}

const hosts = new Map<RuntimeName, Promise<string | undefined>>();

function hostVersion(runtime: RuntimeName): Promise<string | undefined> {
  return once(hosts, runtime, async () => (await findRuntime(runtime))?.version);
}

const tools = new Map<string, Promise<Tool | MissingTool>>();

/** Several implementations need the same program: it is looked for once, while the environment is the same. */
function lookUp(need: NeededTool): Promise<Tool | MissingTool> {
  const { PATH } = process.env;
  const chosen = need.variable === undefined ? undefined : process.env[need.variable];
  return once(tools, JSON.stringify([PATH, chosen, need]), () => findTool(need));
}

function once<Key, Value>(known: Map<Key, Promise<Value>>, key: Key, look: () => Promise<Value>): Promise<Value> {
  const found = known.get(key) ?? look();
  known.set(key, found);
  return found;
}

/** One row: an implementation, and its runtime if more than the pinned Node was asked for. */
export interface Entrant {
  readonly implementation: Implementation;
  readonly runtimeName?: RuntimeName;
  /** Missing if `runtimeName` is not installed. */
  readonly runtime?: Runtime;
}

/** One for each of `runtimeNames` if the implementation is hosted; a program of its own has only itself. */
export async function entrantsOf(
  implementation: Implementation,
  runtimeNames: readonly RuntimeName[] | undefined,
): Promise<readonly Entrant[]> {
  if (runtimeNames === undefined || !('module' in implementation.manifest.run)) return [{ implementation }];
  return Promise.all(
    runtimeNames.map(async (runtimeName) => {
      const runtime = await findRuntime(runtimeName);
      return { implementation, runtimeName, ...(runtime === undefined ? {} : { runtime }) };
    }),
  );
}
