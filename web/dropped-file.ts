import { documentsOf } from '../harness/task/documents.ts';

const MOST_BYTES = 8 * 2 ** 20;

/**
 * The text of a file that the reader dropped on the page.
 *
 * @throws Error in one line that says what was expected
 */
export async function readTextFile(file: Pick<File, 'name' | 'size' | 'arrayBuffer'>): Promise<string> {
  if (file.size > MOST_BYTES)
    throw new Error(`${file.name}: got ${Math.ceil(file.size / 2 ** 20)} MiB; expected at most 8; take a part of it`);
  const bytes = new Uint8Array(await file.arrayBuffer());
  const text = bytes.includes(0) ? undefined : decoded(bytes);
  if (text === undefined)
    throw new Error(`${file.name}: got a file that is no UTF-8 text; expected one document a line; choose another`);
  if (documentsOf(text).length === 0)
    throw new Error(`${file.name}: got no documents; expected one a line; choose another file`);
  return text;
}

function decoded(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return undefined;
  }
}
