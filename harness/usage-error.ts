/** Bad usage or bad input: told to the person in one line, without a stack trace; the process exits with 2. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}
