import type { Expression } from './wat.ts';

/**
 * Vector constants in linear memory. V8 rebuilds a `v128.const` from a general register at every use, which takes three
 * instructions. A load from memory takes one.
 */
export class ConstantPool {
  /** The pool owns the memory up to here. */
  static readonly endBytes = 1024;
  readonly #addresses = new Map<string, number>();

  /** The 16 bytes of `lanes`, as an expression that loads them. */
  load(lanes: Float32Array | Float64Array | Int32Array | BigInt64Array): Expression {
    const bytes = Array.from(new Uint8Array(lanes.buffer), (byte) => `\\${byte.toString(16).padStart(2, '0')}`).join(
      '',
    );
    const address = this.#addresses.get(bytes) ?? this.#addresses.size * 16;
    if (address >= ConstantPool.endBytes) throw new RangeError(`more than ${ConstantPool.endBytes / 16} constants`);
    this.#addresses.set(bytes, address);
    return `(v128.load offset=${address} (i32.const 0))`;
  }

  /** The data segment that fills the pool's memory with all constants asked for. */
  segment(): string {
    return `(data (i32.const 0) "${[...this.#addresses.keys()].join('')}")`;
  }
}
