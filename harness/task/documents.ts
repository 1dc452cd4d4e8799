/** What Python's `str.strip()` removes: `str.isspace()`, not quite what `trim()` removes. */
const PYTHON_SPACE = '[\\t-\\r\\x1c-\\x20\\x85\\xa0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000]';
const SPACE_AT_ENDS = new RegExp(`^${PYTHON_SPACE}+|${PYTHON_SPACE}+$`, 'g');

/** Lines as Python reads and strips them, without the empty ones. */
export function documentsOf(text: string): string[] {
  return text
    .split(/\r\n|\n|\r/)
    .map((line) => line.replace(SPACE_AT_ENDS, ''))
    .filter((line) => line !== '');
}
