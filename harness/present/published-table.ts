import { type Published, type PublishedRow, type PublishedTable, publishedSpeedup } from '../results/published.ts';
import { type Column, columnTable } from './column-table.ts';
import { formatNumber } from './number-format.ts';
import { wrap } from './wrap.ts';

/** The published figures, headed by whose they are and why they are not ours. */
export function publishedTable(published: Published, table: PublishedTable, width: number): string {
  return [
    ...heading(published, table).map((line) => wrap(line, width)),
    columnTable(columnsOf(table), table.rows, { width }),
  ].join('\n');
}

function heading({ source, machine, dataset }: Published, table: PublishedTable): string[] {
  return [
    `published, ${table.preset}: other machine, other clock; speedups are over that machine's own CPython`,
    `${machine}, ${dataset}; ${source.author}, ${source.title}, ${source.url}`,
  ];
}

function columnsOf(table: PublishedTable): readonly Column<PublishedRow>[] {
  return [
    {
      heading: 'published',
      align: 'left',
      dropOrder: 0,
      cell: (row) => `${row.implementation}${row.batch === undefined ? '' : `, batch ${row.batch}`}`,
    },
    { heading: 'language', align: 'left', dropOrder: 2, cell: (row) => row.language },
    { heading: 'µs/sample', align: 'right', dropOrder: 0, cell: (row) => formatNumber(row.microsecondsPerSample) },
    {
      heading: '× its Python',
      align: 'right',
      dropOrder: 1,
      cell: (row) => {
        const factor = publishedSpeedup(row, table);
        return factor === undefined ? '' : `×${formatNumber(factor)}`;
      },
    },
  ];
}
