import { expect, test } from 'vitest';
import { FakeClock, fakeContender } from '../testing/fake-trainer.ts';
import { chooseBaselines } from './baselines.ts';

const clock = new FakeClock();
const contender = (name: string, ...roles: ('python-baseline' | 'scalar-baseline')[]) =>
  fakeContender({ name, roles, nanosecondsPerStep: () => 1, clock });
const python = contender('python', 'python-baseline');
const scalar = contender('scalar', 'scalar-baseline');
const rust = contender('rust');
const analytic = contender('analytic');
const names = (...words: Parameters<typeof chooseBaselines>) => chooseBaselines(...words).map(({ row }) => row);

test('Python is the headline where it runs, with the scalar autograd beside it', () => {
  expect(chooseBaselines([rust, scalar, python], [])).toEqual([
    { row: 'python', role: 'python-baseline' },
    { row: 'scalar', role: 'scalar-baseline' },
  ]);
});

test('without Python the first row that was named is the headline', () => {
  expect(names([rust, analytic], [], 'analytic')).toEqual(['analytic']);
  expect(names([rust, analytic], [], 'missing')).toEqual(['rust']);
});

test('those asked for are taken in their order, each once', () => {
  expect(names([python, rust, analytic], ['rust', 'python', 'rust'])).toEqual(['rust', 'python']);
  expect(names([python], ['absent'])).toEqual([]);
});

test('no row, no baseline', () => {
  expect(chooseBaselines([], [])).toEqual([]);
});
