import { type Decimal, isZero, zero } from '../../kernel/decimal.ts';

export type Position = { readonly instrumentId: string; readonly quantity: Decimal };

/**
 * The instruments held, sorted by id; none with a quantity of 0. A new array for each change: of
 * references alone, so a change costs next to nothing for as many instruments as anybody holds.
 */
export type Positions = readonly Position[];

/** The index of the instrument, or of the first one behind its place. */
function indexOf(positions: Positions, instrumentId: string): number {
  let low = 0;
  let high = positions.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((positions[middle] as Position).instrumentId < instrumentId) low = middle + 1;
    else high = middle;
  }
  return low;
}

export function quantityOf(positions: Positions, instrumentId: string): Decimal {
  const found = positions[indexOf(positions, instrumentId)];
  return found?.instrumentId === instrumentId ? found.quantity : zero;
}

export function withQuantity(
  positions: Positions,
  instrumentId: string,
  quantity: Decimal,
): Positions {
  const index = indexOf(positions, instrumentId);
  const held = positions[index]?.instrumentId === instrumentId;
  if (isZero(quantity)) return held ? positions.toSpliced(index, 1) : positions;
  const position = { instrumentId, quantity };
  return held ? positions.with(index, position) : positions.toSpliced(index, 0, position);
}
