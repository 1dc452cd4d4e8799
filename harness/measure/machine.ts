import { hash } from 'node:crypto';
import { arch, availableParallelism, cpus, platform, release, totalmem, type } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { z } from 'zod';
import { runToEnd } from '../program/finite-program.ts';
import { neededToolSchema } from '../program/manifest.ts';
import { pinnedNode } from '../program/runtime.ts';
import { temporaryFolder } from '../program/temporary-folder.ts';
import { findTool } from '../program/tool.ts';
import { type Machine, peakSchema, type Runtime } from '../results/schema.ts';

/** This machine, as results record it. The fingerprint is a hash of what makes figures comparable; it holds no name and no address. */
export function thisMachine(): Omit<Machine, keyof MachinePeaks> {
  const cpu = cpus()[0]?.model.trim() || 'unknown processor';
  const described = {
    platform: platform(),
    architecture: arch(),
    cpu,
    cores: availableParallelism(),
    memoryBytes: totalmem(),
    kernel: `${type()} ${release()}`,
  };
  const memoryGib = Math.round(described.memoryBytes / 2 ** 30);
  const identity = [described.platform, described.architecture, cpu, described.cores, memoryGib].join('|');
  return { fingerprint: hash('sha256', identity).slice(0, 12), ...described };
}

export function thisRuntime(): Runtime {
  return { name: 'node', version: process.versions.node, v8: process.versions.v8 };
}

/** As far as they can be measured here. */
export type MachinePeaks = Pick<Machine, 'nativePeakGflops' | 'simd128PeakGflops' | 'threadsGain'>;

/** By native code if there is a C compiler, and by the runtime of the TypeScript rows. @param threads of the row that has most */
export async function measureMachinePeaks(threads: number, signal: AbortSignal): Promise<MachinePeaks> {
  const parse = (json: string | undefined) => (json === undefined ? undefined : peakSchema.parse(JSON.parse(json)));
  return {
    nativePeakGflops: parse(await nativePeak(signal)),
    simd128PeakGflops: parse(await runPeakProgram([], signal)),
    ...(threads < 2 ? {} : { threadsGain: await threadsGain(threads, signal) }),
  };
}

async function threadsGain(threads: number, signal: AbortSignal): Promise<MachinePeaks['threadsGain']> {
  const overOne = await measuredNumber(['threads', String(threads)], signal);
  return overOne === undefined ? undefined : { threads, overOne };
}

/** Not every compiler knows `native`; without it the peak is that of the processors it builds for. */
const FLAG_SETS = [['-march=native'], ['-mcpu=native'], []] as const;

async function nativePeak(signal: AbortSignal): Promise<string | undefined> {
  const compiler = await findTool(
    neededToolSchema.parse({ program: 'cc', or: ['gcc', 'clang'], variable: 'CC' }),
    signal,
  );
  if ('missing' in compiler) return undefined;
  const source = join(import.meta.dirname, 'native-peak.c');
  await using folder = await temporaryFolder();
  const program = join(folder.path, 'native-peak');
  for (const flags of FLAG_SETS) {
    const words = [...compiler.words, '-O3', '-ffp-contract=fast', ...flags, source, '-o', program];
    const built = await runToEnd(words, { timeoutMilliseconds: 30_000, signal });
    if (built.exitCode !== 0) continue;
    const run = await runToEnd([program], { timeoutMilliseconds: 20_000, signal });
    return run.exitCode === 0 ? run.output : undefined;
  }
  return undefined;
}

/** How long fixed code of the harness takes just now, in microseconds; undefined if it cannot run. */
export function calibrate(signal: AbortSignal): Promise<number | undefined> {
  return measuredNumber(['calibrate'], signal);
}

async function measuredNumber(words: readonly string[], signal: AbortSignal): Promise<number | undefined> {
  const output = await runPeakProgram(words, signal);
  return output === undefined ? undefined : z.number().positive().parse(JSON.parse(output));
}

async function runPeakProgram(words: readonly string[], signal: AbortSignal): Promise<string | undefined> {
  const program = join(import.meta.dirname, 'simd-peak-program.ts');
  const result = await execa(pinnedNode(), [program, ...words], {
    reject: false,
    timeout: 20_000,
    cancelSignal: signal,
  });
  return result.failed ? undefined : result.stdout;
}
