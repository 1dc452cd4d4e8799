/** A WebAssembly expression in folded text form, e.g. `(i32.add (local.get $p) (i32.const 4))`. */
export type Expression = string;

export type ValueType = 'i32' | 'f32' | 'f64' | 'v128';

export interface Local {
  readonly name: string;
  readonly get: Expression;
}

/** A place in linear memory: a base, and a constant number of bytes after it. */
export interface Address {
  readonly base: Expression;
  readonly offsetBytes: number;
}

/** The address `offsetBytes` after a pointer held in a local, or after an absolute address. */
export function at(base: Pick<Local, 'get'> | number, offsetBytes = 0): Address {
  return typeof base === 'number'
    ? { base: '(i32.const 0)', offsetBytes: base + offsetBytes }
    : { base: base.get, offsetBytes };
}

/**
 * A pointer with these bytes added to it; {@link at} leaves the addition to the access. V8 folds an offset into a load
 * or a store, but needs an instruction to add the offset of a splat. So an offset that several splats share is added once.
 */
export function ahead(pointer: Local, bytes: number): Pick<Local, 'get'> {
  return bytes === 0 ? pointer : { get: i32.add(pointer.get, i32.constant(bytes)) };
}

/** A pointer that a loop moves by so many bytes at each iteration. */
export interface Moving {
  readonly pointer: Local;
  readonly bytes: number;
}

/** One function under construction: its parameters, locals and statements. */
export class FunctionWriter {
  readonly name: string;
  readonly #parameters: [string, ValueType][] = [];
  readonly #locals: [string, ValueType][] = [];
  readonly #statements: string[] = [];
  readonly #names = new Map<string, number>();

  constructor(name: string) {
    this.name = name;
  }

  /** Adds a parameter. Call it in the order of the arguments. */
  parameter(type: ValueType, name: string): Local {
    this.#parameters.push([name, type]);
    this.#names.set(name, 1);
    return { name, get: `(local.get $${name})` };
  }

  /** A new local. If its name is taken, a number is added. */
  local(type: ValueType, name: string): Local {
    const used = this.#names.get(name) ?? 0;
    this.#names.set(name, used + 1);
    const unique = used === 0 ? name : `${name}.${used}`;
    this.#locals.push([unique, type]);
    return { name: unique, get: `(local.get $${unique})` };
  }

  /** A new local that starts with a value. */
  let(type: ValueType, name: string, value: Expression): Local {
    const local = this.local(type, name);
    this.set(local, value);
    return local;
  }

  set(local: Local, value: Expression): void {
    this.do(`(local.set $${local.name} ${value})`);
  }

  /** Appends a statement. */
  do(statement: string): void {
    this.#statements.push(statement);
  }

  advance(pointer: Local, bytes: number): void {
    this.set(pointer, `(i32.add ${pointer.get} (i32.const ${bytes}))`);
  }

  /** Runs `body` `count` times (at least once), and moves the pointers after each. */
  loop(count: number | Local, moving: readonly Moving[], body: () => void): void {
    const label = this.let('i32', 'count', typeof count === 'number' ? `(i32.const ${count})` : count.get);
    this.do(`(loop $${label.name}`);
    body();
    for (const { pointer, bytes } of moving) this.advance(pointer, bytes);
    this.do(`(br_if $${label.name} (local.tee $${label.name} (i32.sub ${label.get} (i32.const 1)))))`);
  }

  /**
   * Runs `body` `count` times, with up to `unroll` copies of it in a row. For copy u, a moving pointer's target is
   * `u · bytes` after the pointer. If the count fits into one row, there is no loop and the pointers do not move. Zero does nothing.
   */
  unrolled(count: number, unroll: number, moving: readonly Moving[], body: (copy: number) => void): void {
    if (count === 0) return;
    const row = (copies: number) => {
      for (let copy = 0; copy < copies; copy++) body(copy);
    };
    if (largestDivisor(count, unroll) * 2 > Math.min(unroll, count)) this.chunked(count, unroll, moving, row);
    else {
      const whole = Math.floor(count / unroll);
      this.loop(
        whole,
        moving.map(({ pointer, bytes }) => ({ pointer, bytes: bytes * unroll })),
        () => row(unroll),
      );
      row(count % unroll);
    }
  }

  /** Runs `body` over `count` things in chunks of equal size, at most `most`, and moves the pointers by whole chunks. */
  chunked(count: number, most: number, moving: readonly Moving[], body: (size: number) => void): void {
    const size = largestDivisor(count, most);
    if (size === count) body(size);
    else
      this.loop(
        count / size,
        moving.map(({ pointer, bytes }) => ({ pointer, bytes: bytes * size })),
        () => body(size),
      );
  }

  /** The finished function. `result` is the type of the last statement's value, if it has one. */
  text(result?: ValueType): string {
    const parameters = this.#parameters.map(([name, type]) => `(param $${name} ${type})`).join(' ');
    const locals = this.#locals.map(([name, type]) => `(local $${name} ${type})`).join(' ');
    const results = result === undefined ? '' : `(result ${result})`;
    return `(func $${this.name} (export "${this.name}") ${parameters} ${results} ${locals}\n${this.#statements.join('\n')})`;
  }
}

function largestDivisor(count: number, most: number): number {
  for (let divisor = Math.min(count, most); divisor > 1; divisor--) if (count % divisor === 0) return divisor;
  return 1;
}

export const i32 = {
  constant: (value: number): Expression => `(i32.const ${value})`,
  add: (a: Expression, b: Expression): Expression => `(i32.add ${a} ${b})`,
  sub: (a: Expression, b: Expression): Expression => `(i32.sub ${a} ${b})`,
  mul: (a: Expression, b: Expression): Expression => `(i32.mul ${a} ${b})`,
  load: (address: Address): Expression => `(i32.load offset=${address.offsetBytes} ${address.base})`,
};

export function call(name: string, ...args: (Expression | number)[]): string {
  return `(call $${name} ${args.map((a) => (typeof a === 'number' ? i32.constant(a) : a)).join(' ')})`;
}
