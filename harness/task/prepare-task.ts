import { readDataset } from './dataset.ts';
import type { PreparedTask, TaskRequest } from './task.ts';
import { checkSizes, taskOfDataset } from './task-of-dataset.ts';

/** Reads the data set and makes its task. @throws {UsageError} for what cannot be trained */
export async function prepareTask(request: TaskRequest): Promise<PreparedTask> {
  checkSizes(request);
  return taskOfDataset(request, await readDataset(request.dataset));
}
