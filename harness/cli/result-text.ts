import { benchTable, type SortOrder } from '../present/bench-table.ts';
import { claimsTable } from '../present/claims-table.ts';
import type { Page } from '../present/page.ts';
import { readPublished } from '../results/published.ts';
import type { BenchResult } from '../results/schema.ts';
import { UsageError } from '../usage-error.ts';

/**
 * A result as `bench` and `show` print it: the table, with what it says of the published claims beneath it. Published figures
 * that cannot be read take nothing else with them.
 */
export async function resultText(result: BenchResult, page: Page, order: SortOrder): Promise<string> {
  const own = benchTable(result, page, order);
  if (result.claims.length === 0) return own;
  try {
    const claims = claimsTable(result.claims, await readPublished(), page.width);
    return claims === undefined ? own : `${own}\n\n${claims}`;
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    return `${own}\n\npublished claims are not shown: ${error.message}`;
  }
}
