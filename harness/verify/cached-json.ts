import { createHash } from 'node:crypto';
import { mkdir, readFile } from 'node:fs/promises';
import writeFileAtomic from 'write-file-atomic';
import type { z } from 'zod';
import { cacheFolder } from '../project.ts';

/** A place in the cache for one JSON document; what cannot be read there counts as not there. */
export interface CachedJson<T> {
  read(): Promise<T | undefined>;
  write(document: T): Promise<void>;
}

/** The document of `kind` that belongs to everything in `key`: data, settings and the code they were computed with. */
export function cachedJson<T>(kind: string, key: readonly unknown[], schema: z.ZodType<T>): CachedJson<T> {
  const folder = cacheFolder(kind);
  const file = `${folder}/${createHash('sha256').update(JSON.stringify(key)).digest('hex').slice(0, 32)}.json`;
  return {
    read: async () => {
      try {
        return schema.parse(JSON.parse(await readFile(file, 'utf8')));
      } catch {
        return undefined;
      }
    },
    write: async (document) => {
      await mkdir(folder, { recursive: true });
      await writeFileAtomic(file, JSON.stringify(document));
    },
  };
}
