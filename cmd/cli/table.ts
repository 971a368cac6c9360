import { oneLine, truncate, widthOf, wrap } from './text.ts';

export type Column = {
  readonly header: string;
  /** Numbers stand to the right. */
  readonly align?: 'right';
  /**
   * What to do where the table is too wide: nothing (an id is of no use in part), cut, wrap, or put
   * the whole cell on a line of its own below its row.
   */
  readonly fit?: 'truncate' | 'wrap' | 'below';
  /** At least so wide, so that rows which come later stand below these. */
  readonly minimum?: number;
};

const gap = '  ';
/** A column is not made narrower than this. */
const least = 6;

/**
 * Lines of at most `width` columns, as far as the columns that must not be cut allow; the first one
 * is the header.
 */
export function formatTable(
  columns: readonly Column[],
  rows: readonly (readonly string[])[],
  width: number,
): string[] {
  const cells = [columns.map(({ header }) => header), ...rows.map((row) => row.map(oneLine))];
  const widths = fitWidths(columns, cells, width);
  return cells.flatMap((row) => formatRow(columns, row, widths, width));
}

/**
 * The widest column that may be cut or wrapped gives way, until the table fits. Where that is not
 * enough, those whose cells may go below do, from the right to the left.
 */
function fitWidths(
  columns: readonly Column[],
  cells: readonly (readonly string[])[],
  width: number,
): number[] {
  const widths = columns.map(({ minimum = 0 }, at) =>
    Math.max(minimum, ...cells.map((row) => widthOf(row[at] ?? ''))),
  );
  let over = widths.reduce((sum, each) => sum + each, gap.length * (columns.length - 1)) - width;
  for (; over > 0; over -= 1) {
    let widest = -1;
    for (const [at, { fit }] of columns.entries()) {
      const room = widths[at] ?? 0;
      if (fit === undefined || fit === 'below' || room <= least) continue;
      if (widest < 0 || room > (widths[widest] ?? 0)) widest = at;
    }
    if (widest < 0) break;
    widths[widest] = (widths[widest] ?? 0) - 1;
  }
  for (const [at, { fit, header, minimum = 0 }] of [...columns.entries()].reverse()) {
    if (fit !== 'below' || over <= 0) continue;
    const room = widths[at] ?? 0;
    const narrower = Math.max(room - over, minimum, widthOf(header));
    over -= room - narrower;
    widths[at] = narrower;
  }
  return widths;
}

function formatRow(
  columns: readonly Column[],
  row: readonly string[],
  widths: readonly number[],
  tableWidth: number,
): string[] {
  const below: string[] = [];
  let start = 0;
  const blocks = columns.map(({ fit }, at) => {
    const text = row[at] ?? '';
    const width = widths[at] ?? 0;
    const offset = start;
    start += width + gap.length;
    if (fit === 'wrap') return wrap(text, width);
    if (fit === 'below' && widthOf(text) > width) {
      // Under its own column as far as the line goes.
      const indent = Math.max(0, Math.min(offset, tableWidth - widthOf(text)));
      below.push(' '.repeat(indent) + text);
      return [''];
    }
    return [fit === 'truncate' ? truncate(text, width) : text];
  });
  const height = Math.max(...blocks.map((lines) => lines.length));
  const lines = Array.from({ length: height }, (_, line) =>
    columns
      .map(({ align }, at) => pad(blocks[at]?.[line] ?? '', widths[at] ?? 0, align))
      .join(gap)
      .trimEnd(),
  );
  return [...lines, ...below];
}

function pad(text: string, width: number, align: 'right' | undefined): string {
  const blanks = ' '.repeat(Math.max(0, width - widthOf(text)));
  return align === 'right' ? blanks + text : text + blanks;
}

/** `label  value` lines; a value that is too long goes on below itself. Empty values are left out. */
export function formatFields(
  fields: readonly (readonly [label: string, value: string])[],
  width: number,
): string[] {
  const shown = fields.filter(([, value]) => value !== '');
  const rows = shown.map(([label, value]) => [`  ${label}`, oneLine(value)]);
  return formatTable([{ header: '' }, { header: '', fit: 'wrap' }], rows, width)
    .slice(1)
    .map((line) => line.trimEnd());
}
