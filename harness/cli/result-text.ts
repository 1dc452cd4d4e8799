import { benchTable, type SortOrder } from '../present/bench-table.ts';
import type { Page } from '../present/page.ts';
import { publishedTable } from '../present/published-table.ts';
import { publishedTableFor, readPublished } from '../results/published.ts';
import type { BenchResult } from '../results/schema.ts';

/** A result as `bench` and `show` print it: the table, with the literature's of the same model beneath it. */
export async function resultText(result: BenchResult, page: Page, order: SortOrder): Promise<string> {
  const published = await readPublished();
  const table = publishedTableFor(published, result.task);
  const own = benchTable(result, page, order);
  return table === undefined ? own : `${own}\n\n${publishedTable(published, table, page.width)}`;
}
