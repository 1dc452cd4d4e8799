import { coerce, satisfies } from 'semver';
import { type FiniteRun, runToEnd } from './finite-program.ts';
import type { NeededLibrary, NeededTool } from './manifest.ts';
import { findProgram, programsOnPath } from './runtime.ts';

/** Longer than a version manager's shim takes. */
const ANSWER_MILLISECONDS = 20_000;
/** A shell, and so a shim written in one, exits with these if it cannot run a program. */
const SHELL_COULD_NOT_RUN = [126, 127];

export interface Tool {
  /** Its path, with further words if a variable of the environment holds some (`CC="ccache gcc"`). */
  readonly words: readonly string[];
  /** What it and its libraries say of their versions, by name. A tool that does not tell is there all the same. */
  readonly versions: Readonly<Record<string, string>>;
}

/** In one line: what was found, what is needed, how to get it. */
export interface MissingTool {
  readonly missing: string;
}

/** How far a candidate got: the one that got furthest is reported. */
interface Rejection extends MissingTool {
  readonly stage: number;
}
const stages = { run: 0, version: 1, library: 2 };

/**
 * The first program that is new enough and has the libraries. If the variable is set, only what it names; else each program of
 * these names along the path, so that an interpreter further along is found if the first lacks a library. Throws only the
 * signal's reason.
 */
export async function findTool(need: NeededTool, signal?: AbortSignal): Promise<Tool | MissingTool> {
  let best: Rejection | undefined;
  for (const candidate of await candidates(need)) {
    const found = await examine(candidate, need, signal);
    if (!('missing' in found)) return found;
    if (best === undefined || found.stage > best.stage) best = found;
  }
  return { missing: best?.missing ?? withHint(`${need.program} not found`, need) };
}

interface Candidate {
  readonly words: readonly string[];
  /** As messages call it. */
  readonly name: string;
}

async function candidates({ program, or, variable }: NeededTool): Promise<readonly Candidate[]> {
  const chosen = variable === undefined ? undefined : process.env[variable]?.trim();
  if (chosen !== undefined && chosen !== '') {
    // A path may hold spaces, and so may a command.
    const path = await findProgram(chosen);
    return [{ words: path === undefined ? chosen.split(/\s+/) : [path], name: `${variable}=${chosen}` }];
  }
  const found: Candidate[] = [];
  for (const name of [program, ...or]) {
    for await (const path of programsOnPath(name)) found.push({ words: [path], name });
  }
  return found;
}

async function examine({ words, name }: Candidate, need: NeededTool, signal?: AbortSignal): Promise<Tool | Rejection> {
  const { program, ask, version: range, libraries } = need;
  const limits = { timeoutMilliseconds: ANSWER_MILLISECONDS, signal };
  const answer = await runToEnd([...words, ...ask], limits);
  const said = firstLine(answer);
  if (!couldRun(answer)) {
    return { stage: stages.run, missing: withHint(`${name} ${answer.how}`, need) };
  }
  if (range !== undefined) {
    const problem = unfit(name, said, range, ` when asked \`${ask.join(' ')}\``);
    if (problem !== undefined) return { stage: stages.version, missing: withHint(problem, need) };
  }
  const versions: Record<string, string> = said === undefined ? {} : { [program]: said };
  for (const library of libraries) {
    const imported = await runToEnd([...words, ...library.ask], limits);
    const problem = libraryProblem(name, library, imported);
    if (problem !== undefined) return { stage: stages.library, missing: withHint(problem, library) };
    versions[library.name] = firstLine(imported) ?? '';
  }
  return { words, versions };
}

function libraryProblem(program: string, { name, version }: NeededLibrary, answer: FiniteRun): string | undefined {
  if (answer.exitCode !== 0) return `${program} has no ${name}`;
  return version === undefined ? undefined : unfit(name, firstLine(answer), version);
}

/** A program that does not know how to tell its version (`go --version`) is one too. */
function couldRun(run: FiniteRun): boolean {
  return run.exitCode !== undefined && !SHELL_COULD_NOT_RUN.includes(run.exitCode);
}

/** Undefined if the version is in the range; `asked` says how it was asked. */
function unfit(name: string, said: string | undefined, range: string, asked = ''): string | undefined {
  const version = coerce(said?.match(/\d+(\.\d+)+/)?.[0]);
  if (version === null) return `${name} does not say its version${asked}, ${range} needed`;
  return satisfies(version, range) ? undefined : `${name} ${version} found, ${range} needed`;
}

function firstLine(run: FiniteRun): string | undefined {
  return run.exitCode === 0 ? run.output.trim().split('\n')[0] : undefined;
}

function withHint(problem: string, { hint }: { readonly hint?: string | undefined }): string {
  return hint === undefined ? problem : `${problem} (${hint})`;
}
