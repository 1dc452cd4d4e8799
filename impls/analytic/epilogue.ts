/** An element of a product: the names of two locals, or expressions. */
export interface Sum {
  readonly name: string;
  readonly index: string;
}

/** What a product does with its sums while they are still in registers, as source. */
export interface Epilogue {
  /** Arrays that the source speaks of, by name. */
  readonly arrays: Readonly<Record<string, Float64Array>>;
  /** Run once a call. */
  readonly prologue: string;
  /** Run for every tile. */
  code(sums: readonly Sum[]): string;
}

/** `c = sums` */
export function store(c: Float64Array): Epilogue {
  return elementwise({ c }, ({ name, index }) => `c[${index}] = ${name};`);
}

/** `c += sums` */
export function accumulate(c: Float64Array): Epilogue {
  return elementwise({ c }, ({ name, index }) => `c[${index}] += ${name};`);
}

/** `c = relu(sums)`, without a branch, which would be mispredicted half of the time. Exact: doubling and halving are. */
export function storeRelu(c: Float64Array): Epilogue {
  return elementwise({ c }, ({ name, index }) => `c[${index}] = 0.5 * (${name} + Math.abs(${name}));`);
}

/** The gradient of relu, whose result was y: `c = sums` where y is positive, and 0 elsewhere. */
export function storeReluGradient(c: Float64Array, y: Float64Array): Epilogue {
  return elementwise({ c, y }, ({ name, index }) => `c[${index}] = y[${index}] > 0 ? ${name} : 0;`);
}

function elementwise(arrays: Epilogue['arrays'], code: (sum: Sum) => string): Epilogue {
  return { arrays, prologue: '', code: (sums) => sums.map(code).join('\n') };
}
