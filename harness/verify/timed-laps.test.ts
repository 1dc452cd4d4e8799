import { describe, expect, test } from 'vitest';
import { smallTask } from '../testing/small-task.ts';
import type { StepwiseTrainer } from './force-steps.ts';
import { Teacher } from './teacher.ts';
import { type TimedLap, verifyTimedLaps } from './timed-laps.ts';

const { training } = smallTask();

/** A right trainer in this process, with a fault where one is given: what it makes of loss and parameters at a step of a lap. */
function trainer(fault: (lap: number, step: number, numbers: Float64Array) => void = () => {}) {
  const teacher = new Teacher(training, 'float64');
  let parameters = training.parameters;
  let [lap, step, running] = [0, 0, true];
  const stepwise: StepwiseTrainer = {
    reset: async (firstDocument) => {
      teacher.restart(firstDocument);
      parameters = training.parameters;
      lap++;
      step = 0;
    },
    train: async (steps) => {
      const losses = Float64Array.from({ length: steps }, () => {
        const { loss, after } = teacher.predict(parameters);
        parameters = after;
        fault(lap, ++step, parameters);
        return loss;
      });
      return { losses };
    },
    parameters: async () => parameters.slice(),
    quit: async () => {
      running = false;
    },
  };
  return { stepwise, isRunning: () => running };
}

async function timeLaps(timed: StepwiseTrainer, lengths: readonly number[]): Promise<TimedLap[]> {
  const laps: TimedLap[] = [];
  for (const [i, steps] of lengths.entries()) {
    const firstDocument = 7 * i;
    await timed.reset(firstDocument);
    const { losses } = await timed.train(steps);
    laps.push({ firstDocument, losses, parameters: await timed.parameters() });
  }
  return laps;
}

const verify = (witness: ReturnType<typeof trainer>, laps: readonly TimedLap[], extraSteps?: number) =>
  verifyTimedLaps(async () => witness.stepwise, training, 'float64', laps, {
    ...(extraSteps === undefined ? {} : { extraSteps }),
  });

describe('timed laps', () => {
  test('of a right row: every loss is compared, one lap is forced as a whole and as many steps of others', async () => {
    const witness = trainer();
    const verdict = await verify(witness, await timeLaps(trainer().stepwise, [20, 20, 20, 20]));
    expect(verdict).toMatchObject({ status: 'verified', stepsCompared: 80 });
    if (verdict.status !== 'verified') return;
    expect(verdict.stepsForced).toBeGreaterThanOrEqual(23);
    expect(verdict.stepsForced).toBeLessThanOrEqual(40);
    expect(verdict.fractionOfBound).toBe(0);
    expect(witness.isRunning()).toBe(false);
  });

  test('a wrong step in every lap is always found, however late', async () => {
    const late = () =>
      trainer((_, step, parameters) => {
        if (step === 19) parameters[3] += 1e-9;
      });
    for (let run = 0; run < 20; run++) {
      const witness = late();
      const verdict = await verify(witness, await timeLaps(late().stepwise, [20, 20, 20]), 0);
      expect(verdict).toMatchObject({ status: 'mismatch', reason: expect.stringMatching(/^step 19: .*wte\[0\]\[3\]/) });
      expect(witness.isRunning()).toBe(false);
    }
  });

  test('a loss that the witness does not repeat is told', async () => {
    const [lap] = await timeLaps(trainer().stepwise, [20]);
    lap.losses[12] += 2 ** -50;
    expect(await verify(trainer(), [lap])).toMatchObject({
      status: 'mismatch',
      reason: expect.stringMatching(/^step 13 of a timed lap: got a loss of .*; a second process of the same row got /),
    });
  });

  test('a last update that was left out is told, though no loss shows it', async () => {
    const timed = trainer((_, step, parameters) => {
      if (step === 20) parameters.set(training.parameters);
    });
    expect(await verify(trainer(), await timeLaps(timed.stepwise, [20]))).toMatchObject({
      status: 'mismatch',
      reason: expect.stringMatching(/after the last step of a timed lap parameter \d+ was/),
    });
  });

  test('a reset that forgets the offset, or the parameters, is told', async () => {
    const deaf = () => {
      const { stepwise, isRunning } = trainer();
      return { stepwise: { ...stepwise, reset: () => stepwise.reset(0) }, isRunning };
    };
    expect(await verify(deaf(), await timeLaps(deaf().stepwise, [5, 5]), 10)).toMatchObject({ status: 'mismatch' });
    const lazy = trainer();
    await lazy.stepwise.train(3);
    const verdict = verifyTimedLaps(
      async () => ({ ...lazy.stepwise, reset: async () => {} }),
      training,
      'float64',
      await timeLaps(trainer().stepwise, [5]),
    );
    expect(await verdict).toMatchObject({
      status: 'mismatch',
      reason: expect.stringContaining('expected the start parameter'),
    });
  });
});
