import { oneLine } from './text.ts';

/** Names come from others: they are text, never markup, in elements and in quoted attributes. */
export function escapeHtml(text: string): string {
  return oneLine(text).replace(
    /[&<>"']/g,
    (character) =>
      ({ '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' })[character] ?? '',
  );
}

export type HtmlTable = {
  readonly headers: readonly string[];
  readonly rows: readonly (readonly string[])[];
  /** Columns with figures, from 0. */
  readonly right?: readonly number[];
};

export type Section = { readonly heading: string; readonly parts: readonly string[] };

const style = `
:root { color-scheme: light dark; --ink: #1c2733; --paper: #fff; --soft: #5d6b7a; --line: #dfe4ea;
  --s0: #1f6feb; --s1: #b7791f; --buy: #1a7f37; --sell: #cf222e; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6edf3; --paper: #0d1117; --soft: #9aa7b4;
  --line: #2b333d; --s0: #58a6ff; --s1: #e3b341; --buy: #3fb950; --sell: #f85149; } }
body { background: var(--paper); color: var(--ink); font: 15px/1.5 system-ui, sans-serif;
  margin: 2rem auto; max-width: 64rem; padding: 0 1rem; }
h1 { font-size: 1.5rem; margin: 0 0 .25rem; } h2 { font-size: 1.1rem; margin: 2rem 0 .5rem; }
p { color: var(--soft); margin: 0 0 1rem; }
svg { display: block; height: auto; margin: .5rem 0 1.5rem; width: 100%; }
.title { fill: var(--ink); font-size: 14px; font-weight: 600; }
.label { fill: var(--soft); font-size: 11px; } .grid { stroke: var(--line); stroke-width: 1; }
.line { fill: none; stroke-width: 1.5; } .s0 { stroke: var(--s0); } .s1 { stroke: var(--s1); }
.area { fill-opacity: .18; stroke: none; } .area.s0 { fill: var(--s0); } .area.s1 { fill: var(--s1); }
.buy { fill: var(--buy); } .sell { fill: var(--sell); }
.scroll { overflow-x: auto; } table { border-collapse: collapse; width: 100%; }
th, td { border-bottom: 1px solid var(--line); padding: .3rem .6rem; text-align: left;
  vertical-align: top; } th { color: var(--soft); font-weight: 600; }
.right { font-variant-numeric: tabular-nums; text-align: right; white-space: nowrap; }
.method { color: var(--soft); font-size: .8rem; overflow-wrap: anywhere; }
`;

/** A page that needs nothing else: no script, no font, no image, and no request of any kind. */
export function htmlPage(title: string, about: string, sections: readonly Section[]): string {
  return [
    '<!doctype html>',
    '<html lang="en">',
    '<head>',
    '<meta charset="utf-8">',
    '<meta name="viewport" content="width=device-width, initial-scale=1">',
    `<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">`,
    `<title>${escapeHtml(title)}</title>`,
    `<style>${style}</style>`,
    '</head>',
    '<body>',
    `<h1>${escapeHtml(title)}</h1>`,
    `<p>${escapeHtml(about)}</p>`,
    ...sections.flatMap(({ heading, parts }) => [`<h2>${escapeHtml(heading)}</h2>`, ...parts]),
    '</body>',
    '</html>',
    '',
  ].join('\n');
}

export function htmlTable({ headers, rows, right = [] }: HtmlTable): string {
  const cell = (tag: string, text: string, column: number) => {
    const name = right.includes(column)
      ? ' class="right"'
      : headers[column] === 'Method'
        ? ' class="method"'
        : '';
    return `<${tag}${name}>${escapeHtml(text)}</${tag}>`;
  };
  const row = (tag: string, cells: readonly string[]) =>
    `<tr>${cells.map((text, column) => cell(tag, text, column)).join('')}</tr>`;
  return [
    '<div class="scroll"><table>',
    ...(headers.some((header) => header !== '') ? [row('th', headers)] : []),
    ...rows.map((cells) => row('td', cells)),
    '</table></div>',
  ].join('\n');
}
