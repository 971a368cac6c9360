import {
  add,
  compare,
  type Decimal,
  divide,
  isPositive,
  max,
  mul,
  sub,
  zero,
} from '../../kernel/decimal.ts';
import { type Position, type Positions, positionIn } from './positions.ts';

// What a portfolio is worth at the prices that it knows of itself: that of the last trade in each
// instrument, or the last recorded close that came with a later signal. Its peak is the highest worth
// after any trade or signal. Deposits and withdrawals are no gains and no losses: they change the peak
// by as much as they change the worth, so that the drawdown from it stays what it was.

export type Worth = {
  /** The sum of quantity x price over all positions. */
  readonly held: Decimal;
  readonly peak: Decimal;
};

export const noWorth: Worth = { held: zero, peak: zero };

export function worthOf({ quantity, price }: Pick<Position, 'quantity' | 'price'>): Decimal {
  return mul(quantity, price);
}

const quotient = { fractionDigits: 18, rounding: 'HALF_UP' } as const;

export function afterFlow(worth: Worth, cash: Decimal, flow: Decimal): Worth {
  const before = add(cash, worth.held);
  const after = add(before, flow);
  // With nothing there to compare with, the peak begins anew.
  const isNew = !isPositive(before) || !isPositive(after) || !isPositive(worth.peak);
  const peak = isNew ? max(after, zero) : divide(mul(worth.peak, after), before, quotient);
  return { ...worth, peak };
}

export function afterTrade(
  { held, peak }: Worth,
  { positions, cash }: { readonly positions: Positions; readonly cash: Decimal },
  instrumentId: string,
  now: Pick<Position, 'quantity' | 'price'>,
): Worth {
  const before = positionIn(positions, instrumentId);
  const less = before === undefined ? held : sub(held, worthOf(before));
  const after = add(less, worthOf(now));
  return { held: after, peak: max(peak, add(cash, after)) };
}

/** With the worth at other prices, as far as it is higher. */
export function atLeast(worth: Worth, equity: Decimal): Worth {
  return compare(equity, worth.peak) > 0 ? { ...worth, peak: equity } : worth;
}
