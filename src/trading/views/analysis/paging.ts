import { type Rejection, rejectField } from '../../../kernel/rejection.ts';
import type { Page } from '../reading.ts';

/** Part of what was computed as a whole, and where the next part begins. */
export type Part<Item> = {
  readonly items: readonly Item[];
  readonly page: { readonly nextCursor: string };
};

/** A page of a list that is computed anew for each of them: its cursor is how many came before. */
export function partOf<Item>(all: readonly Item[], { limit, after }: Page): Part<Item> | Rejection {
  const from = after === undefined ? 0 : placeOf(after);
  if (!(from === 0 || from <= all.length)) {
    const message = 'the cursor is damaged, or belongs to another question';
    return rejectField('CURSOR_INVALID', 'page.cursor', message);
  }
  const end = from + limit;
  const nextCursor = end < all.length ? `a1.${end.toString(36)}` : '';
  return { items: all.slice(from, end), page: { nextCursor } };
}

/** NaN for what is no cursor. */
function placeOf(cursor: string): number {
  const text = /^a1\.([1-9a-z][0-9a-z]{0,7})$/.exec(cursor)?.[1];
  return text === undefined ? Number.NaN : Number.parseInt(text, 36);
}
