/** Bad usage or bad input: one line for the person, no stack trace, exit code 2. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}
