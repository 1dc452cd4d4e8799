import type { TrainingTask } from '../contract.ts';

/** The documents of one step, position after position: row r of every matrix belongs to entry r of these arrays. */
export interface Batch {
  rows: number;
  readonly inputs: Int32Array;
  readonly targets: Int32Array;
  /** Position within the document. */
  readonly positions: Int32Array;
  /** Share of a position's loss in the loss of the step, `1 / (batch · positions of its document)`. */
  readonly lossWeights: Float64Array;
  /** Rows `first … first + count - 1` are one document. */
  readonly documents: { first: number; count: number }[];
}

/** Returns a function that fills the same {@link Batch} at every call, with the documents from `firstDocument` on. */
export function createBatchReader({ model, tokens, offsets, batch }: TrainingTask): (firstDocument: number) => Batch {
  const maxRows = batch * model.blockSize;
  const result: Batch = {
    rows: 0,
    inputs: new Int32Array(maxRows),
    targets: new Int32Array(maxRows),
    positions: new Int32Array(maxRows),
    lossWeights: new Float64Array(maxRows),
    documents: Array.from({ length: batch }, () => ({ first: 0, count: 0 })),
  };
  const documentCount = offsets.length - 1;
  return (firstDocument) => {
    let row = 0;
    for (let i = 0; i < batch; i++) {
      const document = (firstDocument + i) % documentCount;
      const start = offsets[document];
      const count = offsets[document + 1] - start - 1;
      result.documents[i].first = row;
      result.documents[i].count = count;
      for (let position = 0; position < count; position++, row++) {
        result.inputs[row] = tokens[start + position];
        result.targets[row] = tokens[start + position + 1];
        result.positions[row] = position;
        result.lossWeights[row] = 1 / (batch * count);
      }
    }
    result.rows = row;
    return result;
  };
}
