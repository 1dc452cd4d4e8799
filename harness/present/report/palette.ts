/** One way to show the page. Ink and muted are text, line separates, paper lies behind everything. */
export const schemes = {
  light: {
    paper: '#ffffff',
    ink: '#1b1f24',
    muted: '#5a636d',
    line: '#d9dee3',
    wrong: '#b3261e',
    right: '#0a7048',
    blue: '#0a5aa6',
    gold: '#bc8613',
    red: '#a8300f',
    green: '#0c9a68',
    purple: '#7c2e58',
    steel: '#8390a3',
  },
  dark: {
    paper: '#14171b',
    ink: '#e8ecf0',
    muted: '#a3adb8',
    line: '#333a42',
    wrong: '#ff8a80',
    right: '#4fd6a2',
    blue: '#4ba3ff',
    gold: '#f6c945',
    red: '#ea6a45',
    green: '#2ee0a0',
    purple: '#c56ca6',
    steel: '#cbd9ea',
  },
} as const;

export type Scheme = keyof typeof schemes;
export type Color = keyof (typeof schemes)['light'];

/** Told apart with any form of colour blindness: see palette.test.ts. */
export const languageColors = ['blue', 'gold', 'red', 'green', 'purple', 'steel'] as const satisfies readonly Color[];

const usual: Readonly<Record<string, Color>> = {
  TypeScript: 'blue',
  Python: 'gold',
  Rust: 'red',
  C: 'green',
  Julia: 'purple',
};

/** As a CSS variable, so that one drawing serves both schemes. */
export function cssColor(color: Color): string {
  return `var(--${color})`;
}

/** The same colour for a language in every chart; those beyond the usual ones share one. */
export function languageColor(language: string): string {
  // `Python (PyPy)` is Python.
  const [name] = language.split(' (');
  return cssColor((Object.hasOwn(usual, name) ? usual[name] : undefined) ?? 'steel');
}

export function cssVariables(scheme: Scheme): string {
  return Object.entries(schemes[scheme])
    .map(([name, value]) => `--${name}:${value};`)
    .join('');
}
