import { registerHooks } from 'node:module';
import { isMap, isPair, isScalar, isSeq, parseDocument, visit } from 'yaml';

/** `owner/name@` or `owner/name/path@`, then a full commit hash. Unlike a tag, nobody can move it. */
const PINNED = /^[\w.-]+\/[\w./-]+@[0-9a-f]{40}$/;

/**
 * The problems of a GitHub Actions workflow, one line each. GitHub's own parser checks the syntax. This project adds rules: a
 * read-only token (a job that runs no script may publish pages), no secrets, actions pinned by commit hash with the version in a
 * comment, and no expression inside a script, where it could inject commands.
 */
export async function workflowProblems(name: string, content: string): Promise<string[]> {
  return [...(await syntaxProblems(name, content)), ...ruleProblems(name, content)];
}

async function syntaxProblems(name: string, content: string): Promise<string[]> {
  const { convertWorkflowTemplate, NoOperationTraceWriter, parseWorkflow } = await loadParser();
  const { context, value } = parseWorkflow({ name, content }, new NoOperationTraceWriter());
  if (value !== undefined) await convertWorkflowTemplate(context, value);
  return context.errors.getErrors().map(({ message }) => message);
}

/** The package imports its schema as JSON, as bundlers allow. Node requires the import to say that it is JSON. */
async function loadParser() {
  const hook = registerHooks({
    resolve(specifier, context, next) {
      const resolved = next(specifier, context);
      return resolved.url.endsWith('.json') ? { ...resolved, importAttributes: { type: 'json' } } : resolved;
    },
  });
  try {
    return await import('@actions/workflow-parser');
  } finally {
    hook.deregister();
  }
}

function ruleProblems(name: string, content: string): string[] {
  const document = parseDocument(content);
  const problems: string[] = [];
  const report = (offset: number, text: string) => {
    problems.push(`${name} (Line: ${content.slice(0, offset).split('\n').length}): ${text}`);
  };
  if (!isMap(document.contents) || !document.contents.has('permissions')) {
    report(0, 'expected "permissions: contents: read" at the top, since the default token may write');
  }
  visit(document, {
    Scalar(_, node) {
      if (typeof node.value === 'string' && /\bsecrets\b/.test(expressions(node.value))) {
        report(node.range?.[0] ?? 0, 'expected no secrets: a benchmark needs none');
      }
    },
    Pair(_, { key, value }, path) {
      if (!isScalar(key)) return;
      const offset = key.range?.[0] ?? 0;
      if (key.value === 'permissions' && !isReadOnly(value, publishes(path.at(-1)) ? publishing : []))
        report(offset, 'expected every permission to be read or none');
      if (!isScalar(value) || typeof value.value !== 'string') return;
      if (key.value === 'run' && value.value.includes('${{')) {
        report(offset, 'expected no expression in a script: pass it through "env", so that it cannot inject commands');
      }
      if (key.value !== 'uses' || value.value.startsWith('./')) return;
      if (!PINNED.test(value.value)) report(offset, `expected a full commit hash after @, got "${value.value}"`);
      else if (!/^ v\d/.test(value.comment ?? '')) report(offset, 'expected the version in a comment: "# v1.2.3"');
    },
  });
  return problems;
}

/** The text inside each `${{ … }}`. */
function expressions(text: string): string {
  return [...text.matchAll(/\$\{\{(.*?)\}\}/gs)].map(([, inside]) => inside).join(' ');
}

/** Permissions that publishing to GitHub Pages needs besides reading. */
const publishing: readonly string[] = ['pages', 'id-token'];

/** Whether a job runs only actions: then no script of this project, or of what it installs, sees its token. */
function publishes(job: unknown): boolean {
  const steps = isMap(job) ? job.get('steps') : undefined;
  return isSeq(steps) && steps.items.every((step) => isMap(step) && step.has('uses') && !step.has('run'));
}

function isReadOnly(value: unknown, writable: readonly string[]): boolean {
  if (!isMap(value)) return isReadScope(value);
  return value.items.every(
    (item) =>
      isReadScope(isPair(item) ? item.value : item) ||
      (isPair(item) && isScalar(item.key) && writable.includes(String(item.key.value))),
  );
}

function isReadScope(scope: unknown): boolean {
  return isScalar(scope) && ['read', 'none', 'read-all'].includes(String(scope.value));
}
