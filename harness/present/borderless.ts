const edges = [
  'top',
  'top-mid',
  'top-left',
  'top-right',
  'bottom',
  'bottom-mid',
  'bottom-left',
  'bottom-right',
  'left',
  'left-mid',
  'mid',
  'mid-mid',
  'right',
  'right-mid',
] as const;

/** A table of columns alone, two spaces apart: easy to read, and to cut apart with other tools. */
export const borderless = {
  chars: { ...Object.fromEntries(edges.map((edge) => [edge, ''])), middle: '  ' },
  style: { 'padding-left': 0, 'padding-right': 0, head: [], border: [] },
};
