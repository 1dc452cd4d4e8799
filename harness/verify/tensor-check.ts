import type { ParameterMatrix } from '../task/parameter-layout.ts';

export interface TensorFinding {
  readonly tensor: string;
  /** Largest difference of any entry; NaN where one is not finite. */
  readonly maxError: number;
  /** Of the entry furthest beyond its tolerance. */
  readonly tolerance: number;
  readonly agrees: boolean;
}

/** Compares two vectors of parameter size by their worst entries, tensor by tensor. NaN agrees only with NaN. */
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
      // Math.max keeps a NaN.
      maxError = Math.max(maxError, error);
      if (excess > worst.excess) worst = { excess, tolerance };
    }
    return { tensor: name, maxError, tolerance: worst.tolerance, agrees: worst.excess <= 1 };
  });
}
