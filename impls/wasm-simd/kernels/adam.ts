import type { Layout } from './layout.ts';
import type { Vector } from './vector.ts';
import { type Address, at, type Expression, FunctionWriter, type Local } from './wat.ts';

export const beta1 = 0.85;
export const beta2 = 0.99;
const epsilon = 1e-8;

/** The two numbers of {@link moveParameters} that change from step to step; `t` counts from 1. */
export function adamScales(learningRate: number, t: number): { rate: number; epsilon: number } {
  // m̂ / √v̂ = (1 - β1) / c1 · M / √((1 - β2) V / c2), and ε is scaled as √V is.
  const rootScale = Math.sqrt((1 - beta2) / (1 - beta2 ** t));
  return { rate: (learningRate * (1 - beta1)) / (1 - beta1 ** t) / rootScale, epsilon: epsilon / rootScale };
}

/** Adam's constants, each in all lanes. A function loads them once. */
export interface AdamConstants {
  readonly rate: Local;
  readonly epsilon: Local;
  readonly beta1: Local;
  readonly beta2: Local;
  readonly floor: Local;
}

export function loadAdamConstants(f: FunctionWriter, v: Vector, l: Layout): AdamConstants {
  const load = (name: string, address: number) => f.let('v128', name, v.splat(at(address)));
  return {
    rate: load('rate', l.rate),
    epsilon: load('epsilon', l.epsilon),
    beta1: load('beta1', l.beta1),
    beta2: load('beta2', l.beta2),
    floor: load('floor', l.floor),
  };
}

/**
 * Updates the moments of the parameters at `p` by their gradient `g`, to which `floor` is already added.
 *
 * The moments are kept without their factors 1 - β: M = β1 M + g and V = β2 V + g², so m = (1 - β1) M and v = (1 - β2) V.
 * With c1 = 1 - β1^t and c2 = 1 - β2^t, Adam's `lr · (m / c1) / (√(v / c2) + ε)` is then `rate · M / (√V + epsilon)`;
 * {@link adamScales} gives `rate` and `epsilon`.
 */
export function updateMoments(f: FunctionWriter, v: Vector, l: Layout, c: AdamConstants, p: Address, g: Local): void {
  const [first, second] = [behind(p, l.toFirstMoment), behind(p, l.toSecondMoment)];
  f.do(v.store(first, v.madd(v.load(first), c.beta1.get, g.get)));
  f.do(v.store(second, v.madd(v.load(second), c.beta2.get, v.madd(g.get, g.get, c.floor.get))));
}

/** √V of the parameters at `p`. */
export function root(v: Vector, l: Layout, p: Address): Expression {
  return v.sqrt(v.load(behind(p, l.toSecondMoment)));
}

/** Moves the parameters at `p` by their moments: `p - rate · M / (√V + epsilon)`. */
export function moveParameters(
  f: FunctionWriter,
  v: Vector,
  l: Layout,
  c: AdamConstants,
  p: Address,
  rootOfSecond: Expression,
): void {
  const direction = v.div(v.load(behind(p, l.toFirstMoment)), v.add(rootOfSecond, c.epsilon.get));
  f.do(v.store(p, v.nmadd(direction, c.rate.get, v.load(p))));
}

function behind(p: Address, bytes: number): Address {
  return { base: p.base, offsetBytes: p.offsetBytes + bytes };
}

/**
 * `updateStored(p, vectors)`: Adam over so many vectors of parameters. It adds up the stored gradients of all threads, in
 * order, and then sets them to zero.
 */
export function updateStored(v: Vector, l: Layout): string {
  const f = new FunctionWriter('updateStored');
  const [p, vectors] = [f.parameter('i32', 'p'), f.parameter('i32', 'vectors')];
  const c = loadAdamConstants(f, v, l);
  f.loop(vectors, [{ pointer: p, bytes: v.elementBytes * v.lanes }], () => {
    const stored = l.toGradients.map((distance) => at(p, distance));
    const g = f.let(
      'v128',
      'g',
      stored.reduce((sum, gradient) => v.add(sum, v.load(gradient)), c.floor.get),
    );
    for (const gradient of stored) f.do(v.store(gradient, v.constant(0)));
    updateMoments(f, v, l, c, at(p), g);
    moveParameters(f, v, l, c, at(p), root(v, l, at(p)));
  });
  return f.text();
}
