import type { ParameterMatrix } from '../task/parameter-layout.ts';

/** How one tensor of an implementation compares with the reference's. */
export interface TensorFinding {
  readonly tensor: string;
  /** Largest difference of any entry; NaN where one is not finite. */
  readonly maxError: number;
  /** What was allowed for the entry that lies furthest beyond its tolerance. */
  readonly tolerance: number;
  readonly agrees: boolean;
}

/** Compares two vectors of parameter size entry by entry, and tells of each tensor's worst entry. NaN agrees with NaN alone. */
export function checkTensors(
  layout: readonly ParameterMatrix[],
  expected: Float64Array,
  actual: Float64Array,
  toleranceOf: (index: number) => number,
): readonly TensorFinding[] {
  return layout.map(({ name, rows, columns, offset }) => {
    let maxError = 0;
    let worst = { excess: Number.NEGATIVE_INFINITY, tolerance: 0 };
    for (let index = offset; index < offset + rows * columns; index++) {
      const bothUndefined = Number.isNaN(actual[index]) && Number.isNaN(expected[index]);
      const error = bothUndefined ? 0 : Math.abs(actual[index] - expected[index]);
      const tolerance = toleranceOf(index);
      const excess = error === 0 ? 0 : error <= tolerance ? error / tolerance : Number.POSITIVE_INFINITY;
      // Math.max keeps a NaN once it has met one.
      maxError = Math.max(maxError, error);
      if (excess > worst.excess) worst = { excess, tolerance };
    }
    return { tensor: name, maxError, tolerance: worst.tolerance, agrees: worst.excess <= 1 };
  });
}
