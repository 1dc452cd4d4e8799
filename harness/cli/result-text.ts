import { benchTable, type SortOrder } from '../present/bench-table.ts';
import { claimsTable } from '../present/claims-table.ts';
import type { Page } from '../present/page.ts';
import { readPublished } from '../results/published.ts';
import type { BenchResult } from '../results/schema.ts';

/** A result as `bench` and `show` print it: the table, with what it says of the published claims beneath it. */
export async function resultText(result: BenchResult, page: Page, order: SortOrder): Promise<string> {
  const claims = claimsTable(result.claims, await readPublished(), page.width);
  const own = benchTable(result, page, order);
  return claims === undefined ? own : `${own}\n\n${claims}`;
}
