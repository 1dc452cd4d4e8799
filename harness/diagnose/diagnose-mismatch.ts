import type { Precision } from '../program/manifest.ts';
import type { Mismatch } from '../verify/verify-implementation.ts';
import { diagnose } from './diagnose.ts';

/** What is known of a fault beyond the one line that says where it shows, in the model's terms. */
export function diagnoseMismatch({ tensors, evidence }: Mismatch, precision: Precision): readonly string[] {
  const found = evidence === undefined ? [] : diagnose(evidence, precision);
  return [
    ...(tensors === undefined ? [] : [tensors]),
    ...(found.length === 0 ? ['none of the usual faults explains this'] : found),
  ];
}
