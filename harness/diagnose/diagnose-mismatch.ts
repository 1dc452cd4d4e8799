import type { Precision } from '../program/manifest.ts';
import type { Mismatch } from '../verify/verify-implementation.ts';
import { diagnose } from './diagnose.ts';

/** What is known of a fault beyond the one line that says where it shows, in the model's terms. */
export function diagnoseMismatch({ tensors, evidence }: Mismatch, precision: Precision): readonly string[] {
  const fault = evidence && diagnose(evidence, precision);
  return [
    ...(tensors === undefined ? [] : [tensors]),
    fault === undefined ? 'none of the usual faults explains this' : `this is what comes out when ${fault}`,
  ];
}
