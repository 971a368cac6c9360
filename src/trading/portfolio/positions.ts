import { type Decimal, isZero, zero } from '../../kernel/decimal.ts';

/** `price`: of one unit, the last one that the portfolio knows of: of a trade or a reservation. */
export type Position = {
  readonly instrumentId: string;
  readonly quantity: Decimal;
  readonly price: Decimal;
};

/**
 * The instruments held, sorted by id; none with a quantity of 0. A new array for each change: of
 * references alone, so a change costs next to nothing for as many instruments as anybody holds.
 */
export type Positions = readonly Position[];

/** The index of the instrument, or of the first one behind its place. */
function indexOf(
  positions: readonly { readonly instrumentId: string }[],
  instrumentId: string,
): number {
  let low = 0;
  let high = positions.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((positions[middle] as Position).instrumentId < instrumentId) low = middle + 1;
    else high = middle;
  }
  return low;
}

export function positionIn(positions: Positions, instrumentId: string): Position | undefined {
  const found = positions[indexOf(positions, instrumentId)];
  return found?.instrumentId === instrumentId ? found : undefined;
}

export function quantityOf(positions: Positions, instrumentId: string): Decimal {
  return positionIn(positions, instrumentId)?.quantity ?? zero;
}

export function withQuantity(
  positions: Positions,
  instrumentId: string,
  quantity: Decimal,
  price: Decimal,
): Positions {
  const index = indexOf(positions, instrumentId);
  const held = positions[index]?.instrumentId === instrumentId;
  if (isZero(quantity)) return held ? positions.toSpliced(index, 1) : positions;
  const position = { instrumentId, quantity, price };
  return held ? positions.with(index, position) : positions.toSpliced(index, 0, position);
}

/** When a position came to be none, in milliseconds since 1970; sorted by instrument. */
export type Closings = readonly { readonly instrumentId: string; readonly at: number }[];

export function closedAt(closings: Closings, instrumentId: string): number | undefined {
  const found = closings[indexOf(closings, instrumentId)];
  return found?.instrumentId === instrumentId ? found.at : undefined;
}

export function withClosing(closings: Closings, instrumentId: string, at: number): Closings {
  const index = indexOf(closings, instrumentId);
  const closing = { instrumentId, at };
  return closings[index]?.instrumentId === instrumentId
    ? closings.with(index, closing)
    : closings.toSpliced(index, 0, closing);
}
