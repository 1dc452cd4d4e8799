import { PythonRandom } from '../task/python-random.ts';

/**
 * Order of the contenders in each round, without end. A fresh shuffle every round, so that none always follows the same one or
 * always meets the machine hot (Mytkowicz et al., "Producing Wrong Data Without Doing Anything Obviously Wrong!", ASPLOS 2009).
 */
export function* roundOrders(contenders: number, seed: number): Generator<number[], never> {
  const random = new PythonRandom(seed);
  for (;;) {
    const order = Array.from({ length: contenders }, (_, index) => index);
    random.shuffle(order);
    yield order;
  }
}
