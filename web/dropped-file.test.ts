import { expect, it } from 'vitest';
import { readTextFile } from './dropped-file.ts';

const file = (content: BlobPart) => new File([content], 'mine.txt');

it('a text file gives its text', async () => {
  expect(await readTextFile(file('anna\r\nzoë\n'))).toBe('anna\r\nzoë\n');
});

it.each([
  ['a picture', new Uint8Array([0x89, 0x50, 0x4e, 0x47, 0, 1]), /no UTF-8 text; expected one document a line/],
  ['Latin-1', new Uint8Array([0x5a, 0x6f, 0xeb]), /no UTF-8 text/],
  ['nothing', '', /got no documents/],
  ['blank lines', '\n \n', /got no documents/],
  ['far too much', 'a'.repeat(9 * 2 ** 20), /got 9 MiB; expected at most 8/],
])('a file with %s is refused in one line that names it', async (_, content, message) => {
  const error = await readTextFile(file(content)).catch((problem: unknown) => problem);
  expect(String(error)).toMatch(message);
  expect(String(error)).toMatch(/^Error: mine\.txt: [^\n]+$/);
});
