import type { Implementation } from './discover.ts';
import type { NeededTool } from './manifest.ts';
import { findRuntime, type RuntimeName } from './runtime.ts';
import { findTool, type MissingTool, type Tool } from './tool.ts';

/** `versions` are what its programs and their libraries say of themselves. */
type Availability =
  | { readonly available: true; readonly versions: Readonly<Record<string, string>> }
  | { readonly available: false; readonly reason: string };

/** Whether all is there that an implementation needs. @throws the signal's reason alone */
export async function availability(
  implementation: Implementation,
  runtime: RuntimeName = 'node',
  signal?: AbortSignal,
): Promise<Availability> {
  const versions: Record<string, string> = {};
  if ('module' in implementation.manifest.run) {
    const host = await findRuntime(runtime, signal);
    if (host === undefined) return { available: false, reason: `${runtime} not found` };
    versions[runtime] = host.version;
  }
  for (const need of implementation.manifest.needs) {
    const tool = await lookUp(need, signal);
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

const tools = new Map<string, Promise<Tool | MissingTool>>();

/** Several implementations need the same program: it is looked for once, while the environment is the same. */
function lookUp(need: NeededTool, signal?: AbortSignal): Promise<Tool | MissingTool> {
  const { PATH } = process.env;
  const chosen = need.variable === undefined ? undefined : process.env[need.variable];
  const key = JSON.stringify([PATH, chosen, need]);
  const found = tools.get(key) ?? findTool(need, signal);
  tools.set(key, found);
  return found;
}

/** One row for each runtime asked for if the implementation is hosted; else one, whose name says none. */
export function runtimesOf(
  { manifest }: Implementation,
  asked: readonly RuntimeName[] | undefined,
): readonly (RuntimeName | undefined)[] {
  return asked !== undefined && 'module' in manifest.run ? asked : [undefined];
}
