import type { ModelConfig } from '../../contract.ts';
import type { Division } from './division.ts';
import { type Layout, layout } from './layout.ts';
import { type Precision, vector } from './vector.ts';
import type { GradientFlow } from './weight-gradient.ts';

export interface KernelRequest {
  readonly model: ModelConfig;
  readonly precision: Precision;
  readonly batched: boolean;
  /** Fused multiply-add by relaxed SIMD. */
  readonly fused: boolean;
  /** This kernel's part of the work, where threads share it. */
  readonly division?: Division;
}

/** The stages of a batch's gradients: the only document of a batch of one, or the first, a middle, the last of many. */
export const stages = {
  only: { start: 'zero', end: 'adam' },
  first: { start: 'zero', end: 'stored' },
  middle: { start: 'stored', end: 'stored' },
  last: { start: 'stored', end: 'adam' },
} as const satisfies Record<string, GradientFlow>;

export type Stage = keyof typeof stages;

export function kernelLayout({ model, precision, batched, fused, division }: KernelRequest): Layout {
  return layout(model, vector(precision, fused), batched, division);
}
