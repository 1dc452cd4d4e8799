import { createHash } from 'node:crypto';
import { arch, availableParallelism, cpus, platform, release, totalmem, type } from 'node:os';
import type { Machine, Runtime } from '../results/schema.ts';

/**
 * This machine, as results record it. The fingerprint is a hash of what makes its figures comparable with each other (platform,
 * architecture, processor, cores, memory to the GiB); it holds no name and no address.
 */
export function thisMachine(): Omit<Machine, 'nativePeakGflops' | 'simd128PeakGflops'> {
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
  return { fingerprint: createHash('sha256').update(identity).digest('hex').slice(0, 12), ...described };
}

/** The runtime that hosts the TypeScript rows. */
export function thisRuntime(): Runtime {
  return { name: 'node', version: process.versions.node, v8: process.versions.v8 };
}
