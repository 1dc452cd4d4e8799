import type { TrainerProcess } from '../program/trainer-process.ts';
import type { Teacher } from './teacher.ts';
import type { TensorFinding } from './tensor-check.ts';

/** How the gradient and the update of the first step compare with the model's. */
export interface FirstStep {
  readonly loss: number;
  /** Of the first loss, if it stores one. */
  readonly gradient?: Float64Array;
  readonly parameters: Float64Array;
  readonly gradientFindings?: readonly TensorFinding[];
  readonly parameterFindings: readonly TensorFinding[];
}

/** Trains the first step of a fresh trainer and compares it tensor by tensor, for a person to read. */
export async function trainFirstStep(
  trainer: TrainerProcess,
  teacher: Teacher,
  start: Float64Array,
): Promise<FirstStep> {
  const gradient = await trainer.gradients();
  const { losses } = await trainer.train(1);
  const parameters = await trainer.parameters();
  return {
    loss: losses[0],
    parameters,
    parameterFindings: teacher.compareUpdate(start, parameters),
    ...(gradient === undefined ? {} : { gradient, gradientFindings: teacher.compareGradient(start, gradient) }),
  };
}

/** Which tensors of the first step are off; undefined if all agree. */
export function describeDisagreement(first: FirstStep, lossAgrees: boolean): string | undefined {
  const about =
    disagreement('gradient', first.gradientFindings ?? []) ??
    disagreement('updated parameters', first.parameterFindings);
  if (about === undefined) return undefined;
  return `step 1: loss ${lossAgrees ? 'agrees' : 'is off'}, ${about}`;
}

/** The others are only counted. */
const TENSORS_NAMED = 3;

function disagreement(what: string, findings: readonly TensorFinding[]): string | undefined {
  const off = findings.filter((finding) => !finding.agrees);
  if (off.length === 0) return undefined;
  const named = off
    .slice(0, TENSORS_NAMED)
    .map(
      ({ tensor, maxError: error }) =>
        `${tensor} by ${Number.isFinite(error) ? error.toExponential(1) : 'what is not finite'}`,
    );
  const more = off.length > TENSORS_NAMED ? ` and ${off.length - TENSORS_NAMED} more` : '';
  const agreeing = findings.filter((finding) => finding.agrees).map(({ tensor }) => tensor);
  const rest =
    agreeing.length === 0 ? 'no tensor agrees' : `${agreeing.join(', ')} ${agreeing.length === 1 ? 'agrees' : 'agree'}`;
  return `${what} off: ${named.join(', ')}${more} (${rest})`;
}
