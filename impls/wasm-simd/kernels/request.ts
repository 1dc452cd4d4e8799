import type { ModelConfig } from '../../contract.ts';
import { type Layout, layout } from './layout.ts';
import type { Plan } from './plan.ts';
import { type Precision, vector } from './vector.ts';
import type { GradientFlow } from './weight-gradient.ts';

/** Everything that determines a kernel. */
export interface KernelRequest {
  readonly model: ModelConfig;
  readonly precision: Precision;
  /** Fused multiply-add by relaxed SIMD. */
  readonly fused: boolean;
  /** The most documents that lie side by side. */
  readonly documents: number;
  readonly stages: readonly Stage[];
  /** Left out if the kernel trains alone. */
  readonly plan?: Plan;
}

/** The stages of a batch's gradients: all documents at once, or the first documents, then more, then the last. */
export const stages = {
  only: { start: 'zero', end: 'adam' },
  first: { start: 'zero', end: 'stored' },
  middle: { start: 'stored', end: 'stored' },
  last: { start: 'stored', end: 'adam' },
} as const satisfies Record<string, GradientFlow>;

export type Stage = keyof typeof stages;

export function kernelLayout({ model, precision, fused, documents, plan }: KernelRequest): Layout {
  return layout(model, vector(precision, fused), { documents, plan });
}
