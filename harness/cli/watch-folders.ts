import { watch } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';

/** An editor saves in bursts: what follows this soon belongs to the same save. */
const QUIET_MILLISECONDS = 100;
/** True for what programs and editors leave beside the sources. */
export function isByProduct(path: string): boolean {
  return path.split(/[/\\]/).some((name) => /^(\..*|__pycache__|node_modules|target)$/.test(name));
}

interface FolderWatch {
  /** Resolves once a file was saved since the last call, or since watching began; rejects if interrupted. */
  saved(): Promise<void>;
}

/** Watches folders, with all they hold, until `signal` aborts. */
export function watchFolders(folders: readonly string[], signal: AbortSignal): FolderWatch {
  let change = Promise.withResolvers<void>();
  for (const folder of folders) {
    watch(folder, { recursive: true, signal }, (_, file) => {
      if (file === null || !isByProduct(file)) change.resolve();
    });
  }
  return {
    saved: async () => {
      const interrupted = Promise.withResolvers<never>();
      signal.addEventListener('abort', () => interrupted.reject(signal.reason), { once: true });
      await Promise.race([change.promise, interrupted.promise]);
      await pause(QUIET_MILLISECONDS, undefined, { signal });
      change = Promise.withResolvers();
    },
  };
}
