/** How much of what a child says on standard error is worth showing. */
const TAIL_LINES = 12;
const TAIL_CHARACTERS = 4_000;

/** The end of a long text: at most a screenful. */
export function lastLines(text: string): string {
  return text.slice(-TAIL_CHARACTERS).trimEnd().split('\n').slice(-TAIL_LINES).join('\n');
}
