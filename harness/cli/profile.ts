import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { Command } from 'commander';
import { UnsupportedTask } from '../../impls/contract.ts';
import { outputTarget, requireDistinct, writeOutput } from '../output-target.ts';
import { fitted, terminalPage } from '../present/page.ts';
import { profileText } from '../present/profile-table.ts';
import { countStep } from '../profile/counters.ts';
import { profileOf } from '../profile/profile.ts';
import { readProfileList } from '../profile/profile-list.ts';
import { timesWhenRepeated } from '../profile/repeated-operations.ts';
import { sampleModule } from '../profile/sample-module.ts';
import { requirePerf, sampleProgram } from '../profile/sample-program.ts';
import { availability } from '../program/availability.ts';
import { discoverWith, isBroken, selectImplementations } from '../program/discover.ts';
import { ImplementationFailure } from '../program/implementation-failure.ts';
import { displayPath, resultsFolder } from '../project.ts';
import { taskName } from '../results/names.ts';
import { prepareTask } from '../task/prepare-task.ts';
import { UsageError } from '../usage-error.ts';
import { exitCode } from './exit-code.ts';
import {
  addTaskFlags,
  implementationsOption,
  jsonOption,
  jsonOutput,
  positiveNumber,
  type TaskFlags,
  taskRequest,
} from './flags.ts';
import { interruptSignal } from './interrupt.ts';

interface ProfileFlags extends TaskFlags {
  readonly seconds: number;
  readonly json?: string;
  readonly flame?: string;
  readonly impls: readonly string[];
}

const DEFAULT_SECONDS = 6;

export function profileCommand(): Command {
  const command = new Command('profile')
    .summary('where the time of a step goes')
    .description('where the time of a training step goes, by operation')
    .argument('<name>', 'the implementation')
    .option('--seconds <n>', 'how long to train', positiveNumber, DEFAULT_SECONDS)
    .option('--flame <file>', 'where to write the flame graph, a .cpuprofile (default: in results/profiles)')
    .addOption(jsonOption())
    .addOption(implementationsOption());
  return addTaskFlags(command).action(profile);
}

async function profile(name: string, flags: ProfileFlags): Promise<void> {
  const json = await jsonOutput(flags.json);
  const [found] = selectImplementations(await discoverWith(flags.impls), [name]);
  if (found === undefined || isBroken(found)) throw new UsageError(`${name}: got no implementation of that name`);
  const list = await readProfileList(found);
  const present = await availability(found);
  if (!present.available) throw new UsageError(`${name}: ${present.reason}`);
  const { run } = found.manifest;
  if ('command' in run) await requirePerf();
  const task = await prepareTask(taskRequest(flags));
  const target = await flameTarget(flags.flame, `${name}-${taskName(task.description)}`);
  requireDistinct([...json.targets, target]);
  // Nothing moves on the screen while it is sampled: that would be sampled too.
  process.stderr.write(`${name}: training for ${flags.seconds} s, then counting\n`);

  const signal = interruptSignal();
  const options = { seconds: flags.seconds, signal };
  try {
    const { stacks, microsecondsPerStep, cpuProfile } =
      'module' in run
        ? await sampleModule(found, run.module, task, options)
        : await sampleProgram(found, list, task, options);
    const sampled = profileOf(stacks, list, microsecondsPerStep);
    const added = await timesWhenRepeated(found, list, task, options);
    const operations = sampled.operations.map((one) => {
      const microseconds = added.get(one.operation);
      return microseconds === undefined ? one : { ...one, microsecondsWhenRepeated: microseconds };
    });
    const measured = { ...sampled, operations };
    const counters = await countStep(found, task, signal).catch((error: unknown) => {
      if (error instanceof ImplementationFailure) return undefined;
      throw error;
    });
    await writeOutput(target, JSON.stringify(cpuProfile));
    const stream = target.path === undefined ? process.stderr : json.stream;
    const shown = { implementation: name, task: taskName(task.description), profile: measured, counters };
    stream.write(`${profileText(shown, terminalPage(stream))}\n`);
    if (target.path !== undefined) {
      const opened = "in the browser's developer tools (Performance, Load profile) or in speedscope";
      stream.write(`${fitted(`Flame graph: open ${displayPath(target.path)} ${opened}.`, stream)}\n`);
    }
    await json.write({
      schemaVersion: 1,
      implementation: name,
      task: task.description,
      method: 'module' in run ? 'v8 sampling' : 'perf sampling',
      ...measured,
      counters: counters ?? null,
    });
    process.exitCode = exitCode.ok;
  } catch (error) {
    if (error instanceof UnsupportedTask) throw new UsageError(`${name}: unsupported: ${error.message}`);
    if (error instanceof ImplementationFailure) throw new UsageError(`${name}: ${error.message}`);
    throw error;
  }
}

async function flameTarget(file: string | undefined, name: string) {
  if (file !== undefined) return outputTarget(`--flame ${file}`, file);
  const folder = join(resultsFolder, 'profiles');
  await mkdir(folder, { recursive: true });
  return outputTarget('--flame', join(folder, `${name.replace(/[^\w.-]+/g, '-')}.cpuprofile`));
}
