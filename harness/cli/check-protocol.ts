import { type ConformanceOptions, tryProtocol } from '../conformance/conformance.ts';
import { makeHugeTask } from '../conformance/huge-task.ts';
import { marked } from '../present/check-report.ts';
import { availability } from '../program/availability.ts';
import { type DiscoveredImplementation, isBroken } from '../program/discover.ts';
import { ImplementationFailure } from '../program/implementation-failure.ts';
import type { PreparedTask } from '../task/task.ts';
import { exitCode } from './exit-code.ts';
import type { JsonOutput } from './flags.ts';

interface ProtocolRow {
  readonly implementation: string;
  readonly status: 'conforming' | 'violation' | 'error' | 'skipped';
  readonly reason: string;
  readonly violations: { readonly trial: string; readonly problem: string }[];
}

/** `check --protocol`: prints each program's violations of the protocol, and returns the exit code. */
export async function checkProtocol(
  chosen: readonly DiscoveredImplementation[],
  task: PreparedTask,
  json: JsonOutput,
  options: ConformanceOptions,
): Promise<number> {
  const { stream } = json;
  const nameWidth = Math.max(...chosen.map((implementation) => implementation.name.length));
  const tasks = { task, hugeTask: makeHugeTask() };
  const rows: ProtocolRow[] = [];
  for (const implementation of chosen) {
    const row = await protocolRow(implementation, tasks, options);
    rows.push(row);
    const verdict = `${row.implementation.padEnd(nameWidth)}  ${row.status}`;
    stream.write(`${marked(row.status, verdict, stream)} ${row.reason}\n`);
    for (const { trial, problem } of row.violations) stream.write(`    ${trial}: ${problem}\n`);
  }
  await json.write({ schemaVersion: 1, results: rows });
  return rows.some((row) => row.status === 'violation' || row.status === 'error') ? exitCode.wrong : exitCode.ok;
}

async function protocolRow(
  implementation: DiscoveredImplementation,
  tasks: { readonly task: PreparedTask; readonly hugeTask: PreparedTask },
  options: ConformanceOptions,
): Promise<ProtocolRow> {
  const row = { implementation: implementation.name, violations: [] };
  if (isBroken(implementation)) return { ...row, status: 'error', reason: implementation.problem };
  const present = await availability(implementation, undefined, options.signal);
  if (!present.available) return { ...row, status: 'skipped', reason: present.reason };
  try {
    const findings = await Array.fromAsync(tryProtocol(implementation, tasks, options));
    const violations = findings.flatMap(({ trial, problem }) => (problem === undefined ? [] : [{ trial, problem }]));
    return violations.length === 0
      ? { ...row, status: 'conforming', reason: `in ${findings.length} trials` }
      : { ...row, status: 'violation', reason: `in ${violations.length} of ${findings.length} trials`, violations };
  } catch (error) {
    if (error instanceof ImplementationFailure) return { ...row, status: 'error', reason: error.message };
    throw error;
  }
}
