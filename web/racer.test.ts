import { describe, expect, it } from 'vitest';
import { drawSamples } from '../harness/task/sample.ts';
import createAnalytic from '../impls/analytic/analytic.ts';
import type { CreateTrainer, Trainer } from '../impls/contract.ts';
import type { RaceTask, TurnReport } from './messages.ts';
import { prepareRace, Racer } from './racer.ts';

const race: RaceTask = { preset: 'd16', steps: 30, dataset: { name: 'x.txt', text: 'anna\nbob\ncarla\ndora\nemil\n' } };
const task = prepareRace(race);

/** A clock that moves by a millisecond at each reading, so that a turn is a fixed number of readings. */
function clock(): () => number {
  let now = 0;
  return () => now++;
}

async function raced(createTrainer: CreateTrainer): Promise<readonly TurnReport[]> {
  const racer = await Racer.create(createTrainer, task, 'float64', clock());
  const reports: TurnReport[] = [];
  const isOver = ({ wrong, fractionOfBound, isTimed }: TurnReport) =>
    wrong !== undefined || (fractionOfBound !== undefined && isTimed);
  do reports.push(await racer.turn(40));
  while (!isOver(reports[reports.length - 1]) && reports.length < 200);
  return reports;
}

/** The right trainer with some of its methods changed. */
const changed = (change: (trainer: Trainer, made: number) => Partial<Trainer>): CreateTrainer =>
  (() => {
    let made = 0;
    return async (of) => {
      const trainer = await createAnalytic(of);
      const words: Trainer = {
        train: (steps) => trainer.train(steps),
        reset: (first) => trainer.reset(first),
        parameters: () => trainer.parameters(),
      };
      return { ...words, ...change(trainer, made++) };
    };
  })();

describe('a racer', () => {
  it('trains its steps, has every one verified, and invents what the harness would', async () => {
    const reports = await raced(createAnalytic);
    const last = reports[reports.length - 1];
    expect(last).toMatchObject({ stepsVerified: 30, isTimed: true });
    expect(last.fractionOfBound).toBeLessThan(1);
    const trainer = await createAnalytic(task.training);
    expect(reports.flatMap(({ losses }) => [...losses])).toEqual([...trainer.train(30)]);
    expect(last.names).toEqual(drawSamples(task, trainer.parameters(), 10));
  });

  it('shows no time until compilers have done their work', async () => {
    const times = (await raced(createAnalytic)).map(({ microsecondsPerStep }) => microsecondsPerStep);
    expect(times.slice(0, 4)).toEqual([undefined, undefined, undefined, undefined]);
    expect(times[times.length - 1]).toBeGreaterThan(0);
  });

  it.each<[string, CreateTrainer, RegExp]>([
    [
      'whose loss is wrong',
      changed((trainer) => ({ train: (steps) => trainer.train(steps).map((loss) => loss * 1.001) })),
      /^step 1: expected a loss of/,
    ],
    [
      'whose losses are right and whose parameters are not',
      changed((trainer) => ({ parameters: () => trainer.parameters().fill(0.1, 0, 1) })),
      /wte\[0\]\[0\]/,
    ],
    [
      'whose second lap differs',
      changed((trainer) => ({ reset: () => trainer.reset(1) })),
      /the first lap's was .*; every lap must be the same to the last bit/,
    ],
    [
      'whose witness differs',
      changed((trainer, made) => ({
        train: (steps) => trainer.train(steps).map((loss) => (made === 0 ? loss + 1e-15 : loss)),
      })),
      /a second trainer got/,
    ],
    [
      'whose witness throws',
      changed((trainer, made) => ({
        train: (steps) => {
          if (made === 1) throw new Error('out of luck');
          return trainer.train(steps);
        },
      })),
      /^out of luck$/,
    ],
  ])('%s is wrong, and says why', async (_, createTrainer, reason) => {
    const reports = await raced(createTrainer);
    expect(reports[reports.length - 1].wrong).toMatch(reason);
  });
});
