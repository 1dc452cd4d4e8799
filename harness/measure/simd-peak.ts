import { median } from 'simple-statistics';
import type { Precision } from '../program/manifest.ts';

/**
 * Chains of multiply-adds that do not wait for each other. Two units with a latency of four cycles need eight; twelve and two
 * constants fit the sixteen registers of x86-64.
 */
const CHAINS = 12;
const UNROLL = 4;

const ITERATIONS = 20_000;
/** V8 optimises the loop while the first runs go on; the peak is the fastest of all. */
const RUNS = 60;

/**
 * The highest rate of 128-bit SIMD multiply-adds that one core reaches from WebAssembly, in GFLOP/s (a multiply-add is two
 * operations): the roof of the roofline model (Williams, Waterman & Patterson, CACM 52(4), 2009). Fused if the runtime has
 * relaxed SIMD.
 */
export function measurePeakGflops(): { float32: number; float64: number } {
  const operations = 2 * CHAINS * UNROLL * ITERATIONS;
  return {
    float32: (4 * operations) / Math.min(...runsNanoseconds('float32')),
    float64: (2 * operations) / Math.min(...runsNanoseconds('float64')),
  };
}

/**
 * Time of the same loop in float64, in microseconds: how fast this machine is just now. No implementation can change it. The
 * median, since rows meet the same machine; the first half warms up.
 */
export function calibrationMicroseconds(): number {
  return median(runsNanoseconds('float64').slice(RUNS / 2)) / 1000;
}

function runsNanoseconds(precision: Precision): number[] {
  const run = peakLoop(compilePeakLoop(precision));
  return Array.from({ length: RUNS }, () => {
    const start = process.hrtime.bigint();
    run(ITERATIONS);
    return Number(process.hrtime.bigint() - start);
  });
}

/** Opcodes of the WebAssembly core specification 3.0, appendix "Index of Instructions"; SIMD ones follow the prefix 0xfd. */
const simd = {
  float32: { splat: 0x13, extractLane: 0x1f, add: 0xe4, multiply: 0xe6, relaxedMultiplyAdd: 0x105 },
  float64: { splat: 0x14, extractLane: 0x21, add: 0xf0, multiply: 0xf2, relaxedMultiplyAdd: 0x107 },
} as const;
const opcode = {
  loop: 0x03,
  end: 0x0b,
  branchIf: 0x0d,
  localGet: 0x20,
  localSet: 0x21,
  localTee: 0x22,
  i32Const: 0x41,
  i32Subtract: 0x6b,
};
const type = { i32: 0x7f, v128: 0x7b, function: 0x60, empty: 0x40, float32: 0x7d, float64: 0x7c };
const floatConst = { float32: 0x43, float64: 0x44 } as const;
const floats = { float32: Float32Array, float64: Float64Array };

/** Other threads can use the module too. */
export function compilePeakLoop(precision: Precision): WebAssembly.Module {
  const fused = moduleBytes(precision, true);
  return new WebAssembly.Module(WebAssembly.validate(fused) ? fused : moduleBytes(precision, false));
}

export function peakLoop(module: WebAssembly.Module): (iterations: number) => void {
  const { run } = new WebAssembly.Instance(module).exports;
  if (typeof run !== 'function') throw new TypeError('the kernel exports no function');
  return (iterations) => run(iterations);
}

/** A module with one function, `run(iterations) → float`, whose loop does nothing but `chain = chain · a + b` on every chain. */
function moduleBytes(precision: Precision, fused: boolean): Uint8Array<ArrayBuffer> {
  const { splat, extractLane, add, multiply, relaxedMultiplyAdd } = simd[precision];
  const vector = (code: number) => [0xfd, ...leb128(code)];
  const constant = (value: number) => [
    floatConst[precision],
    ...new Uint8Array(floats[precision].of(value).buffer),
    ...vector(splat),
  ];
  const [counter, a, b, firstChain] = [0, 1, 2, 3];
  const chains = Array.from({ length: CHAINS }, (_, i) => firstChain + i);

  const multiplyAdd = (chain: number) => [
    ...[opcode.localGet, chain, opcode.localGet, a],
    ...(fused
      ? [opcode.localGet, b, ...vector(relaxedMultiplyAdd)]
      : [...vector(multiply), opcode.localGet, b, ...vector(add)]),
    ...[opcode.localSet, chain],
  ];
  const body = [
    // Two groups of locals: none of the parameter's type, and the vectors.
    ...[1, 2 + CHAINS, type.v128],
    // Chains start apart and stay finite: they tend to b / (1 - a) = 1.
    ...[...constant(0.999), opcode.localSet, a, ...constant(0.001), opcode.localSet, b],
    ...chains.flatMap((chain) => [...constant(chain), opcode.localSet, chain]),
    ...[opcode.loop, type.empty],
    ...Array.from({ length: UNROLL }, () => chains.flatMap(multiplyAdd)).flat(),
    ...[opcode.localGet, counter, opcode.i32Const, 1, opcode.i32Subtract, opcode.localTee, counter, opcode.branchIf, 0],
    opcode.end,
    // All chains are summed, so that none can be left out.
    ...[opcode.localGet, firstChain],
    ...chains.slice(1).flatMap((chain) => [opcode.localGet, chain, ...vector(add)]),
    ...[...vector(extractLane), 0],
    opcode.end,
  ];
  const section = (id: number, content: readonly number[]) => [id, ...leb128(content.length), ...content];
  return Uint8Array.from([
    ...[0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00],
    ...section(1, [1, type.function, 1, type.i32, 1, type[precision]]),
    ...section(3, [1, 0]),
    ...section(7, [1, 3, ...Buffer.from('run'), 0, 0]),
    ...section(10, [1, ...leb128(body.length), ...body]),
  ]);
}

/** Unsigned integer in groups of seven bits, the lowest first. */
function leb128(value: number): number[] {
  return value < 0x80 ? [value] : [(value & 0x7f) | 0x80, ...leb128(value >>> 7)];
}
