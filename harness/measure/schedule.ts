import { PythonRandom } from '../task/python-random.ts';

/**
 * Order of the contenders in each round, without end: `order[i]` is the index of the contender that runs i-th. A fresh
 * shuffle every round, so that no contender always follows the same one or always meets the machine hot (Mytkowicz et al.,
 * "Producing Wrong Data Without Doing Anything Obviously Wrong!", ASPLOS 2009, on randomising the setup). The same seed gives the same orders.
 */
export function* roundOrders(contenders: number, seed: number): Generator<number[], never> {
  const random = new PythonRandom(seed);
  for (;;) {
    const order = Array.from({ length: contenders }, (_, index) => index);
    random.shuffle(order);
    yield order;
  }
}
