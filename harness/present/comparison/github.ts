import { appendFile } from 'node:fs/promises';
import type { Comparison, ComparisonRow } from '../../results/comparison.ts';
import { comparisonMarkdown, explanation } from './comparison-table.ts';

/** True inside a job of GitHub Actions. */
export function runsInGitHubActions(environment: NodeJS.ProcessEnv = process.env): boolean {
  return environment['GITHUB_ACTIONS'] === 'true';
}

/**
 * Workflow commands that GitHub shows as annotations at the row's manifest, one line each: `::error`, `::warning`, `::notice`.
 * A row without news gets none.
 */
export function annotations(comparison: Comparison): string[] {
  return comparison.rows.flatMap((row) => {
    const level = levelOf(row);
    if (level === undefined) return [];
    const file = row.manifest === undefined ? '' : `file=${escapeProperty(row.manifest)},`;
    return [
      `::${level} ${file}title=${escapeProperty(row.implementation)}::${escapeData(explanation(row, comparison))}`,
    ];
  });
}

function levelOf(row: ComparisonRow): 'error' | 'warning' | 'notice' | undefined {
  if (row.status === 'compared') {
    return ({ regression: 'error', improvement: 'notice', inconclusive: 'warning', 'no change': undefined } as const)[
      row.verdict
    ];
  }
  if (row.status === 'repaired') return 'notice';
  if (row.status === 'removed') return 'warning';
  return ['wrong', 'broken', 'unreadable', 'lost'].includes(row.status) ? 'error' : undefined;
}

/** Appends the table to the job's summary, where there is one. */
export async function appendJobSummary(
  comparison: Comparison,
  environment: NodeJS.ProcessEnv = process.env,
): Promise<void> {
  const file = environment['GITHUB_STEP_SUMMARY'];
  if (file !== undefined && file !== '') await appendFile(file, comparisonMarkdown(comparison));
}

/** The runner ends a command at a line break and decodes these three (github.com/actions/toolkit, packages/core/src/command.ts). */
function escapeData(text: string): string {
  return text.replaceAll('%', '%25').replaceAll('\r', '%0D').replaceAll('\n', '%0A');
}

function escapeProperty(text: string): string {
  return escapeData(text).replaceAll(':', '%3A').replaceAll(',', '%2C');
}
