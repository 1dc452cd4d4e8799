import type { Entry, RaceEvent } from '../measure/race.ts';
import { formatUncertainty } from '../present/number-format.ts';
import { rowName } from '../results/names.ts';
import type { Progress } from './progress.ts';

/** Says what just happened in a race. */
export function reportRaceEvent(event: RaceEvent, entries: readonly Entry[], progress: Progress): void {
  switch (event.kind) {
    case 'verifying':
      progress.status(`verifying ${nameOf(entries[event.entry])} (${event.entry + 1} of ${entries.length})`);
      break;
    case 'verified':
      progress.milestone(describe(entries[event.entry]));
      break;
    case 'sampling':
      progress.status(`round ${event.round + 1}: ${nameOf(entries[event.entry])}`);
      break;
    case 'sampled':
      break;
    case 'round': {
      const width = Number.isFinite(event.widest) ? `, widest interval ${formatUncertainty(event.widest)}` : '';
      progress.milestone(`round ${event.round + 1} done${width}`);
    }
  }
}

function describe(entry: Entry): string {
  switch (entry.state) {
    case 'racing':
      return `${nameOf(entry)}: ${entry.scouting.stepsVerified} steps verified`;
    case 'refused':
      return `${nameOf(entry)}: ${entry.refusal.status}: ${entry.refusal.reason}`;
    case 'waiting':
      return nameOf(entry);
  }
}

function nameOf({ contender }: Entry): string {
  return rowName(contender.identity);
}
