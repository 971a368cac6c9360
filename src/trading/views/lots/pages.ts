// A long list of texts that changes at one place at a time: pages, each with some of them. A change
// makes a new list that shares all other pages with the one before, so it costs about as much with
// ten thousand entries as with ten; and as JSON it is read and written at the speed of plain texts.

/** In order; no page is empty. */
export type Pages = readonly (readonly string[])[];

const mostPerPage = 128;

export const noPages: Pages = [];

export function sizeOf(pages: Pages): number {
  return pages.reduce((size, page) => size + page.length, 0);
}

export function entriesOf(pages: Pages): readonly string[] {
  return pages.flat();
}

/** The entry at one end, or undefined. */
export function entryAt(pages: Pages, end: 'first' | 'last'): string | undefined {
  return end === 'first' ? pages[0]?.[0] : pages.at(-1)?.at(-1);
}

/** Replaces the entry at one end of a list that has one; undefined removes it. */
export function withEntryAt(pages: Pages, end: 'first' | 'last', entry: string | undefined): Pages {
  const at = end === 'first' ? 0 : pages.length - 1;
  const page = pages[at] ?? [];
  if (entry !== undefined) return pages.with(at, page.with(end === 'first' ? 0 : -1, entry));
  if (page.length === 1) return end === 'first' ? pages.slice(1) : pages.slice(0, -1);
  return pages.with(at, end === 'first' ? page.slice(1) : page.slice(0, -1));
}

export function appended(pages: Pages, entry: string): Pages {
  const page = pages.at(-1);
  if (page === undefined || page.length >= mostPerPage) return [...pages, [entry]];
  return pages.with(-1, [...page, entry]);
}

/**
 * Puts the entry before the first one that is behind it. `isBehind` is false for all entries up to
 * some place, and true from there on.
 */
export function inserted(pages: Pages, entry: string, isBehind: (other: string) => boolean): Pages {
  const last = entryAt(pages, 'last');
  if (last === undefined || !isBehind(last)) return appended(pages, entry);
  const at = firstIndex(pages, (page) => isBehind(page.at(-1) as string));
  const page = pages[at] as readonly string[];
  const grown = page.toSpliced(firstIndex(page, isBehind), 0, entry);
  if (grown.length <= mostPerPage) return pages.with(at, grown);
  const half = grown.length >> 1;
  return pages.toSpliced(at, 1, grown.slice(0, half), grown.slice(half));
}

/** The last entry that is not behind, or undefined; `isBehind` as for `inserted`. */
export function lastBefore(pages: Pages, isBehind: (other: string) => boolean): string | undefined {
  const at = firstIndex(pages, (page) => isBehind(page[0] as string)) - 1;
  const page = pages[at] ?? [];
  return page[firstIndex(page, isBehind) - 1];
}

/** The index of the first item that passes, for items of which the last ones do; else the length. */
function firstIndex<Item>(items: readonly Item[], passes: (item: Item) => boolean): number {
  let low = 0;
  let high = items.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (passes(items[middle] as Item)) high = middle;
    else low = middle + 1;
  }
  return low;
}
