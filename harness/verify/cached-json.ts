import { hash } from 'node:crypto';
import { mkdir, stat } from 'node:fs/promises';
import writeFileAtomic from 'write-file-atomic';
import { z } from 'zod';
import { cacheFolder } from '../project.ts';
import { readRegularFile, succeeds } from '../regular-file.ts';

const LARGEST_FILE_BYTES = 64 * 2 ** 20;

/** The document of `kind` for everything in `key`: data, settings and the code they were computed with. */
export function cachedJson<T>(kind: string, key: readonly unknown[], schema: z.ZodType<T>) {
  const folder = cacheFolder(kind);
  const file = `${folder}/${sha256(key).slice(0, 32)}.json`;
  const sealed = z
    .strictObject({ sha256: z.string(), document: schema })
    .refine((found) => found.sha256 === sha256(found.document));
  return {
    file,
    /** Undefined if nothing is there yet. @throws if it is something that was not written here */
    read: async (): Promise<T | undefined> => {
      const isThere = await succeeds(stat(file));
      if (!isThere) return undefined;
      return sealed.parse(JSON.parse((await readRegularFile(file, LARGEST_FILE_BYTES)).toString('utf8'))).document;
    },
    write: async (document: T): Promise<void> => {
      await mkdir(folder, { recursive: true });
      await writeFileAtomic(file, JSON.stringify({ sha256: sha256(document), document }));
    },
  };
}

/** Of its text: the order of keys counts. */
export function sha256(json: unknown): string {
  return hash('sha256', JSON.stringify(json));
}
