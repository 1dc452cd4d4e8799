/** `npm run data`: fetches the original's data set, makemore's `names.txt`, to where `--dataset names` reads it. */
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { Command, Option } from 'commander';
import writeFileAtomic from 'write-file-atomic';
import { exitCode } from '../harness/cli/exit-code.ts';
import { runScript } from '../harness/cli/run-program.ts';
import { namedDatasets } from '../harness/task/dataset.ts';
import { UsageError } from '../harness/usage-error.ts';

const REVISION = '988aa59';
const ADDRESS = `https://raw.githubusercontent.com/karpathy/makemore/${REVISION}/names.txt`;
const TIMEOUT_MILLISECONDS = 30_000;

/** The download failed. It is nobody's mistake; another try may succeed. */
class DownloadFailure extends Error {
  override readonly name = 'DownloadFailure';
}

/** @throws {DownloadFailure} if GitHub cannot be reached or does not answer with the file */
async function download(): Promise<Uint8Array> {
  const instead = 'or fetch it elsewhere and run: npm run data -- --from FILE';
  let response: Response;
  try {
    response = await fetch(ADDRESS, { signal: AbortSignal.timeout(TIMEOUT_MILLISECONDS) });
    if (response.ok) return await response.bytes();
  } catch (error) {
    throw new DownloadFailure(`Cannot reach ${ADDRESS} (${reasonOf(error)}): try again when online, ${instead}`);
  }
  throw new DownloadFailure(
    `${ADDRESS} answered ${response.status} ${response.statusText}: try again later, ${instead}`,
  );
}

async function readLocal(path: string): Promise<Uint8Array> {
  try {
    return await readFile(path);
  } catch (error) {
    throw new UsageError(`--from: cannot read ${path} (${reasonOf(error)})`);
  }
}

/** The reason, such as ENOTFOUND, which `fetch` puts into the cause. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if (error.cause instanceof Error) return reasonOf(error.cause);
  return 'code' in error ? String(error.code) : error.message;
}

/** Writes the file whole or not at all. @throws {UsageError} and writes nothing, if the contents are not the original's */
async function save(contents: Uint8Array, source: string, destination: string): Promise<void> {
  const expected = namedDatasets.names.sha256;
  const found = createHash('sha256').update(contents).digest('hex');
  if (found !== expected) {
    throw new UsageError(`${source} is not the original's names.txt: expected SHA-256 ${expected}, found ${found}`);
  }
  await writeFileAtomic(destination, Buffer.from(contents));
}

async function data({ from, to }: { readonly from?: string; readonly to: string }): Promise<void> {
  try {
    const contents = from === undefined ? await download() : await readLocal(from);
    await save(contents, from ?? ADDRESS, to);
    console.log(`${to}: ${contents.length} bytes, SHA-256 as expected`);
  } catch (error) {
    if (!(error instanceof DownloadFailure)) throw error;
    console.error(`error: ${error.message}`);
    process.exitCode = exitCode.wrong;
  }
}

process.exitCode = await runScript(
  new Command('data')
    .usage('[options]')
    .description("put the original's data set, makemore's names.txt, where --dataset names reads it")
    .option('--from <file>', 'take it from a file instead of GitHub')
    .addOption(
      new Option('--to <file>', 'put it somewhere else').default(namedDatasets.names.path, 'in reference/datasets'),
    )
    .action(data),
);
