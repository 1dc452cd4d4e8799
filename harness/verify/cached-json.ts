import { hash } from 'node:crypto';
import { mkdir, stat } from 'node:fs/promises';
import writeFileAtomic from 'write-file-atomic';
import { z } from 'zod';
import { cacheFolder, displayPath } from '../project.ts';
import { readRegularFile, succeeds } from '../regular-file.ts';

/** Nothing yet, a document, or something that was not written there. */
type CachedDocument<T> = { readonly document: T } | { readonly damaged: string } | undefined;

interface CachedJson<T> {
  read(): Promise<CachedDocument<T>>;
  write(document: T): Promise<void>;
}

const LARGEST_FILE_BYTES = 64 * 2 ** 20;

/** The document of `kind` for everything in `key`: data, settings and the code they were computed with. */
export function cachedJson<T>(kind: string, key: readonly unknown[], schema: z.ZodType<T>): CachedJson<T> {
  const folder = cacheFolder(kind);
  const file = `${folder}/${sha256(JSON.stringify(key)).slice(0, 32)}.json`;
  const sealed = z
    .strictObject({ sha256: z.string(), document: schema })
    .refine((found) => found.sha256 === sha256(JSON.stringify(found.document)));
  return {
    read: async () => {
      const isThere = await succeeds(stat(file));
      if (!isThere) return undefined;
      try {
        const text = (await readRegularFile(file, LARGEST_FILE_BYTES)).toString('utf8');
        return { document: sealed.parse(JSON.parse(text)).document };
      } catch {
        return { damaged: displayPath(file) };
      }
    },
    write: async (document) => {
      await mkdir(folder, { recursive: true });
      await writeFileAtomic(file, JSON.stringify({ sha256: sha256(JSON.stringify(document)), document }));
    },
  };
}

function sha256(text: string): string {
  return hash('sha256', text);
}
