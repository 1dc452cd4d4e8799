import './style.css';
import { formatCount, formatFactor } from '../harness/present/number-format.ts';
import { cssColor, cssVariables } from '../harness/present/report/palette.ts';
import { isPresetName, presets, taskDefaults } from '../harness/task/presets.ts';
import namesUrl from '../reference/datasets/us-names-2016.txt?url';
import { type Configuration, configurationOf, hashOf, stepLimits, stepsOf } from './configuration.ts';
import { readTextFile } from './dropped-file.ts';
import { entries } from './entries.ts';
import { LossCurves } from './loss-curves.ts';
import type { RaceTask } from './messages.ts';
import { type RowState, startRace } from './race.ts';
import { RowView } from './row-view.ts';

function element<T extends Element>(id: string, type: { new (): T }): T {
  const found = document.getElementById(id);
  if (!(found instanceof type)) throw new TypeError(`the page has no ${type.name} called ${id}`);
  return found;
}

const style = document.createElement('style');
style.textContent = `:root{${cssVariables('light')}}@media(prefers-color-scheme:dark){:root{${cssVariables('dark')}}}`;
document.head.append(style);

const controls = element('controls', HTMLFormElement);
const preset = element('preset', HTMLSelectElement);
const steps = element('steps', HTMLInputElement);
const file = element('file', HTMLInputElement);
const start = element('start', HTMLButtonElement);
const stop = element('stop', HTMLButtonElement);
const message = element('message', HTMLParagraphElement);
const verdict = element('verdict', HTMLParagraphElement);
const names = element('names', HTMLDivElement);
const link = element('link', HTMLAnchorElement);

const curves = new LossCurves(element('chart', HTMLDivElement));
const views = entries.map((entry) => new RowView(entry));
element('rows', HTMLOListElement).append(...views.map((view) => view.element));
preset.append(...Object.keys(presets).map((name) => new Option(name)));

/** The reader's own documents, if a file was given. */
let own: RaceTask['dataset'] | undefined;
let embedded: Promise<string> | undefined;
let endRace: (() => void) | undefined;
let states: (RowState | undefined)[] = entries.map(() => undefined);
let redrawn = new Set<number>();
let raced = configurationOf(location.hash).steps;

function chosen(): Configuration | undefined {
  const wanted = stepsOf(steps.value);
  return wanted !== undefined && isPresetName(preset.value) ? { preset: preset.value, steps: wanted } : undefined;
}

function showConfiguration(): void {
  const configuration = configurationOf(location.hash);
  preset.value = configuration.preset;
  steps.value = String(configuration.steps);
  link.href = hashOf(configuration);
}

function keepConfiguration(): void {
  const configuration = chosen();
  if (configuration === undefined) return;
  link.href = hashOf(configuration);
  history.replaceState(undefined, '', hashOf(configuration));
}

async function documents(): Promise<RaceTask['dataset']> {
  embedded ??= fetch(namesUrl).then((response) => {
    if (!response.ok) throw new Error(`the names could not be fetched (${response.status}); reload the page`);
    return response.text();
  });
  return own ?? { name: taskDefaults.dataset, text: await embedded };
}

async function race(): Promise<void> {
  const configuration = chosen();
  if (configuration === undefined) {
    message.textContent = `Steps: expected a whole number from ${stepLimits.least} to ${stepLimits.most}.`;
    return;
  }
  end();
  message.textContent = '';
  verdict.textContent = '';
  states = entries.map(() => ({ kind: 'preparing' }));
  raced = configuration.steps;
  curves.reset(raced);
  names.replaceChildren();
  redraw();
  start.disabled = true;
  stop.disabled = false;
  try {
    const dataset = await documents();
    // The race was stopped before the documents were loaded.
    if (stop.disabled) return;
    endRace = startRace(
      entries,
      { ...configuration, dataset },
      {
        onTask: (parameters, count) => {
          message.textContent = '';
          element('names-hint', HTMLParagraphElement).textContent =
            `After its last step each model writes ten names. Models that learned the same write the same. ${formatCount(parameters)} parameters, ${formatCount(count)} documents of ${dataset.name}.`;
        },
        onRow: (row, state) => {
          states[row] = state;
          redrawn.add(row);
          if (redrawn.size === 1) requestAnimationFrame(redraw);
        },
        onEnd: () => {
          redraw();
          verdict.textContent = finalVerdict();
          end();
        },
      },
    );
  } catch (error) {
    message.textContent = error instanceof Error ? error.message : String(error);
    end();
  }
}

/** Ends the race and its workers. The results stay on the page. */
function end(): void {
  endRace?.();
  endRace = undefined;
  start.disabled = false;
  stop.disabled = true;
}

function timeOf(row: number): number | undefined {
  const state = states[row];
  return state !== undefined && (state.kind === 'racing' || state.kind === 'finished')
    ? state.progress.latest.microsecondsPerStep
    : undefined;
}

function factorOf(row: number): number | undefined {
  const [first, own] = [timeOf(0), timeOf(row)];
  return first === undefined || own === undefined ? undefined : first / own;
}

function redraw(): void {
  for (const [row, view] of views.entries()) {
    view.show(states[row], raced, factorOf(row));
    const state = states[row];
    if (!redrawn.has(row) || state === undefined || !('progress' in state)) continue;
    curves.draw(row, state.progress.losses);
    showNames(row, state.progress.latest.names);
  }
  redrawn = new Set();
}

function showNames(row: number, invented: readonly string[] | undefined): void {
  const id = `names-${row}`;
  if (invented === undefined || document.getElementById(id) !== null) return;
  const { implementation, color } = entries[row];
  const block = document.createElement('div');
  block.id = id;
  block.style.setProperty('--color', cssColor(color));
  block.style.order = String(row);
  const heading = document.createElement('h3');
  heading.textContent = implementation;
  const list = document.createElement('ol');
  list.append(
    ...invented.map((name) => {
      const item = document.createElement('li');
      item.textContent = name;
      return item;
    }),
  );
  block.append(heading, list);
  names.append(block);
}

function finalVerdict(): string {
  const finished = entries.flatMap((entry, row) => {
    const time = timeOf(row);
    return states[row]?.kind === 'finished' && time !== undefined ? [{ entry, row, time }] : [];
  });
  const [fastest] = finished.toSorted((a, b) => a.time - b.time);
  if (fastest === undefined) return 'No row was verified.';
  const factor = factorOf(fastest.row);
  const over = factor === undefined ? '' : `, ${formatFactor(factor)} as fast as ${entries[0].implementation}`;
  return `${fastest.entry.implementation} is the fastest${over}. ${finished.length} of ${entries.length} rows are verified, every step.`;
}

async function take(given: File | undefined): Promise<void> {
  try {
    own = given === undefined ? undefined : { name: given.name, text: await readTextFile(given) };
    message.textContent = '';
  } catch (error) {
    own = undefined;
    file.value = '';
    message.textContent = error instanceof Error ? error.message : String(error);
  }
}

controls.addEventListener('submit', (event) => {
  event.preventDefault();
  void race();
});
stop.addEventListener('click', () => {
  end();
  verdict.textContent = 'Stopped.';
});
for (const control of [preset, steps]) control.addEventListener('change', keepConfiguration);
file.addEventListener('change', () => void take(file.files?.[0]));
addEventListener('hashchange', showConfiguration);
addEventListener('dragover', (event) => {
  event.preventDefault();
  document.body.classList.add('dropping');
});
addEventListener('dragleave', () => document.body.classList.remove('dropping'));
addEventListener('drop', (event) => {
  event.preventDefault();
  document.body.classList.remove('dropping');
  const dropped = event.dataTransfer?.files;
  if (dropped === undefined || dropped.length === 0) return;
  file.files = dropped;
  void take(dropped[0]);
});
addEventListener('resize', () => {
  curves.reset(raced);
  redrawn = new Set(entries.keys());
  redraw();
});
showConfiguration();
redraw();
