/** What the process says to scripts. `compare` adds its own. */
export const exitCode = {
  /** Every row verified; skipped ones were named. */
  ok: 0,
  /** An implementation is wrong or broke. */
  wrong: 1,
  /** Bad usage or bad input. */
  usage: 2,
  /** After Ctrl-C, as shells have it: 128 + SIGINT. */
  interrupted: 130,
} as const;
