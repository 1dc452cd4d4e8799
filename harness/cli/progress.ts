import { Listr, ListrLogger, ProcessOutput } from 'listr2';

/** What a long piece of work reports while it goes on. */
export interface Progress {
  /** What is happening this moment: shown in place on a terminal, and nowhere else. */
  readonly status: (text: string) => void;
  /** Something that begins and may take a while: shown in place on a terminal, a line of its own elsewhere. */
  readonly stage: (text: string) => void;
  /** Something that happened and stays true: a line of its own where output is not a terminal. */
  readonly milestone: (text: string) => void;
}

/**
 * Runs `work` and shows how it goes on standard error, so that standard output is left to results: one live line on a terminal,
 * plain lines elsewhere and in CI.
 */
export async function withProgress<T>(title: string, work: (progress: Progress) => Promise<T>): Promise<T> {
  const isLive = process.stderr.isTTY === true && process.env['CI'] === undefined;
  if (!isLive) {
    const line = (text: string) => process.stderr.write(`${title}: ${text}\n`);
    return work({ status: () => undefined, stage: line, milestone: line });
  }
  const results: T[] = [];
  const list = new Listr(
    {
      title,
      task: async (_, task) => {
        results.push(
          await work({
            status: (text) => {
              task.output = text;
            },
            stage: (text) => {
              task.output = text;
            },
            milestone: (text) => {
              task.title = `${title}: ${text}`;
            },
          }),
        );
      },
    },
    {
      // Ctrl-C is the command's own affair: it keeps what was measured.
      registerSignalListeners: false,
      rendererOptions: {
        clearOutput: true,
        removeEmptyLines: false,
        logger: new ListrLogger({ processOutput: new ProcessOutput(process.stderr, process.stderr) }),
      },
    },
  );
  await list.run();
  return results[0];
}
