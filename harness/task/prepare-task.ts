import { readDataset } from './dataset.ts';
import type { PreparedTask, TaskRequest } from './task.ts';
import { checkSizes, taskOfDataset } from './task-of-dataset.ts';

/**
 * Reads the data set that is asked for, and makes its task.
 * @throws {UsageError} where the request or the data set asks for something that cannot be trained
 */
export async function prepareTask(request: TaskRequest): Promise<PreparedTask> {
  checkSizes(request);
  return taskOfDataset(request, await readDataset(request.dataset));
}
