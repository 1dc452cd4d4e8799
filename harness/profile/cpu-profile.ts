import type { Profiler } from 'node:inspector';
import type { StackSamples } from './profile.ts';
import type { ProfiledFunction } from './profile-list.ts';

/** Samples by call stack, without the time in which nothing ran. */
export function stacksOf({ nodes, samples = [] }: Profiler.Profile): readonly StackSamples[] {
  const parents = new Map(nodes.flatMap(({ id, children = [] }) => children.map((child) => [child, id] as const)));
  const byId = new Map(nodes.map((node) => [node.id, node]));
  const counts = new Map<number, number>();
  for (const id of samples) counts.set(id, (counts.get(id) ?? 0) + 1);
  const stackOf = (id: number | undefined): readonly ProfiledFunction[] => {
    const node = id === undefined ? undefined : byId.get(id);
    if (node === undefined) return [];
    const { functionName, url } = node.callFrame;
    return [{ file: fileName(url), name: functionName }, ...stackOf(parents.get(node.id))];
  };
  return [...counts]
    .map(([id, count]) => ({ stack: stackOf(id), samples: count }))
    .filter(({ stack: [innermost] }) => innermost?.name !== '(idle)');
}

/** WebAssembly's address changes with every build. */
function fileName(url: string): string {
  return url.startsWith('wasm:') ? '' : (url.split('/').at(-1) ?? '');
}

/** In the form of V8's profiler, which browsers and speedscope draw as a flame graph. */
export function cpuProfileOf(stacks: readonly StackSamples[], microsecondsPerSample: number): Profiler.Profile {
  const callFrame = (functionName: string) => ({
    functionName,
    scriptId: '0',
    url: '',
    lineNumber: -1,
    columnNumber: -1,
  });
  const functions = stacks.map(({ stack, samples }, i) => ({
    id: i + 2,
    callFrame: callFrame(stack[0]?.name ?? '(unknown)'),
    hitCount: samples,
    children: [],
  }));
  const samples = functions.flatMap(({ id, hitCount }) => Array.from({ length: hitCount }, () => id));
  return {
    nodes: [
      { id: 1, callFrame: callFrame('(root)'), hitCount: 0, children: functions.map(({ id }) => id) },
      ...functions,
    ],
    startTime: 0,
    endTime: Math.round(samples.length * microsecondsPerSample),
    samples,
    timeDeltas: samples.map(() => Math.round(microsecondsPerSample)),
  };
}
