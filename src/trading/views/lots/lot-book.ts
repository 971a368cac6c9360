import { add, decimal, toText } from '../../../kernel/decimal.ts';
import { type CostBasisMethod, compareUnitCost, fromLotText, type Lot, toLotText } from './lot.ts';
import { entriesOf, entryAt, inserted, type Pages, withEntryAt } from './pages.ts';

/**
 * The open lots of a position, as `toLotText` writes them, in an order that a method sells from one
 * end of: FIFO and LIFO by time, HIFO by unit cost with the highest last. AVERAGE has one at most.
 */
export type LotBook = Pages;

function sellsFrom(method: CostBasisMethod): 'first' | 'last' {
  return method === 'FIFO' ? 'first' : 'last';
}

/** The lot to sell from next. */
export function frontLot(method: CostBasisMethod, book: LotBook): Lot | undefined {
  const text = entryAt(book, sellsFrom(method));
  return text === undefined ? undefined : fromLotText(text);
}

/** Puts what is left of the front lot in its place; undefined removes it. */
export function withFrontLot(
  method: CostBasisMethod,
  book: LotBook,
  rest: Lot | undefined,
): LotBook {
  return withEntryAt(book, sellsFrom(method), rest && toLotText(rest));
}

export function withLot(method: CostBasisMethod, book: LotBook, lot: Lot): LotBook {
  const text = toLotText(lot);
  switch (method) {
    case 'FIFO':
    case 'LIFO':
      return inserted(book, text, (other) => timeOf(other) > lot.time);
    case 'HIFO':
      return inserted(book, text, (other) => sellsBefore(fromLotText(other), lot));
    case 'AVERAGE':
      return [[toLotText(pooled(frontLot(method, book), lot))]];
  }
}

function timeOf(text: string): string {
  const from = text.indexOf(' ') + 1;
  return text.slice(from, text.indexOf(' ', from));
}

/** Whether a lot that is there is sold before one that comes in: of equals, the older one is. */
function sellsBefore(there: Lot, coming: Lot): boolean {
  const order = compareUnitCost(there, coming);
  return order === 0 ? there.time <= coming.time : order > 0;
}

/** It keeps the time and the id of its first purchase. */
function pooled(pool: Lot | undefined, lot: Lot): Lot {
  if (pool === undefined) return lot;
  const quantity = toText(add(decimal(pool.quantity), decimal(lot.quantity)));
  const cost = toText(add(decimal(pool.cost), decimal(lot.cost)));
  return { ...pool, quantity, cost, boughtQuantity: quantity, boughtCost: cost };
}

/** By time; those of the same time in the order in which they came, or in which they are sold. */
export function lotsOf(method: CostBasisMethod, book: LotBook): readonly Lot[] {
  const lots = entriesOf(book).map(fromLotText);
  if (method !== 'HIFO') return lots;
  return lots.reverse().sort((a, b) => (a.time < b.time ? -1 : a.time > b.time ? 1 : 0));
}
