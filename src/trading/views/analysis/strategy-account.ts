import {
  add,
  type Decimal,
  decimal,
  divide,
  isNegative,
  isPositive,
  max,
  min,
  mul,
  neg,
  sub,
  zero,
} from '../../../kernel/decimal.ts';
import { fractionDigitsOfPart } from '../amounts.ts';
import type { PortfolioTrade } from '../statistics/read-trades.ts';

/** What a trade did to the account of a strategy. Amounts are in the currency of the trade. */
export type AccountChange = {
  /** In milliseconds since 1970. */
  readonly time: number;
  readonly instrumentId: string;
  /** What it holds of the instrument then. */
  readonly quantity: Decimal;
  readonly price: string;
  readonly paidIn: Decimal;
  readonly takenOut: Decimal;
  /** Whether the trade names the strategy. */
  readonly isOwn: boolean;
};

/**
 * The account of a strategy in one instrument of one portfolio. Purchases that name it are paid in,
 * what sales that name it bring is taken out. Of units that it never bought, a sale that names it
 * brings no gain: they come in at its price. And no strategy holds what the portfolio does not: where
 * a trade takes more than is free or the seller's own, the other strategies give by what they hold,
 * at its price.
 *
 * trades: all of the instrument in the portfolio, whatever they name, in their order
 */
export function accountChanges(
  strategyId: string,
  trades: readonly PortfolioTrade[],
): readonly AccountChange[] {
  const held = new Map<string, Decimal>();
  const changes: AccountChange[] = [];
  let position = zero;
  for (const trade of trades) {
    const { time, instrumentId, price, cashChange, quantityChange } = trade;
    const isOwn = trade.strategyId === strategyId;
    const [change, cash] = [decimal(quantityChange), decimal(cashChange)];
    const before = held.get(strategyId) ?? zero;
    position = max(zero, add(position, change));
    const missing = changeBy(held, trade.strategyId, change);
    giveUp(held, trade.strategyId, position);
    const quantity = held.get(strategyId) ?? zero;
    const given = isOwn ? zero : sub(before, quantity);
    if (!isOwn && !isPositive(given)) continue;
    const broughtIn = isOwn ? mul(missing, decimal(price)) : zero;
    const paid = isOwn && isNegative(cash) ? neg(cash) : zero;
    const received = isOwn ? max(zero, cash) : mul(given, decimal(price));
    const paidIn = add(broughtIn, paid);
    changes.push({ time, instrumentId, quantity, price, paidIn, takenOut: received, isOwn });
  }
  return changes;
}

/** Changes what the strategy of a trade holds; gives the units sold that it did not have. */
function changeBy(held: Map<string, Decimal>, strategyId: string, change: Decimal): Decimal {
  if (strategyId === '') return zero;
  const after = add(held.get(strategyId) ?? zero, change);
  held.set(strategyId, max(zero, after));
  return max(zero, neg(after));
}

/** Until all strategies hold no more than the position, all but the one that traded give. */
function giveUp(held: Map<string, Decimal>, traded: string, position: Decimal): void {
  const all = [...held.values()].reduce(add, zero);
  const others = [...held].filter(([id, quantity]) => id !== traded && isPositive(quantity));
  const theirs = others.map(([, quantity]) => quantity).reduce(add, zero);
  const excess = min(sub(all, position), theirs);
  if (!isPositive(excess)) return;
  for (const [id, quantity] of others) {
    const part = divide(mul(excess, quantity), theirs, {
      fractionDigits: fractionDigitsOfPart(quantity),
      rounding: 'HALF_UP',
    });
    held.set(id, max(zero, sub(quantity, part)));
  }
}
