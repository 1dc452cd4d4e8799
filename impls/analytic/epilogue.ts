/** An element of a product, in generated source. */
export interface Sum {
  /** The local that holds it. */
  readonly name: string;
  /** A view of each of the epilogue's arrays. In it, the element that belongs to the sum has index `cIndex`. */
  readonly views: Record<string, string>;
}

/** What a product does with its sums while they are still in registers, in generated source. */
export interface Epilogue {
  /** The arrays that it reads or writes, by name. Each has the layout of c. */
  readonly arrays: Readonly<Record<string, Float64Array>>;
  /** Arrays that the prologue reads, by name. */
  readonly constants: Readonly<Record<string, Float64Array>>;
  /** The start value of each sum. */
  readonly start: number;
  /** Runs once in each call. */
  readonly prologue: string;
  /** Runs before the first of several tiles of one size. */
  before?(sums: readonly Sum[]): string;
  /** Runs for every tile. */
  code(sums: readonly Sum[]): string;
  /** Runs after the last of several tiles of one size. */
  after?(sums: readonly Sum[]): string;
}

/** `c = sums` */
export function store(c: Float64Array): Epilogue {
  return elementwise({ c }, ({ name, views: { c } }) => `${c}[cIndex] = ${name};`);
}

/** `c += sums` */
export function accumulate(c: Float64Array): Epilogue {
  return elementwise({ c }, ({ name, views: { c } }) => `${c}[cIndex] += ${name};`);
}

/** `c = relu(sums)`, without a branch, which would be mispredicted half of the time. It is exact, as doubling and halving are. */
export function storeRelu(c: Float64Array): Epilogue {
  return elementwise({ c }, ({ name, views: { c } }) => `${c}[cIndex] = 0.5 * (${name} + Math.abs(${name}));`);
}

/** The gradient of `y = relu(x)`: `c = sums` where y is positive, and 0 elsewhere. */
export function storeReluGradient(c: Float64Array, y: Float64Array): Epilogue {
  return elementwise({ c, y }, ({ name, views: { c, y } }) => `${c}[cIndex] = ${y}[cIndex] > 0 ? ${name} : 0;`);
}

function elementwise(arrays: Epilogue['arrays'], code: (sum: Sum) => string): Epilogue {
  return { arrays, constants: {}, start: 0, prologue: '', code: (sums) => sums.map(code).join('\n') };
}
