import { type Decimal, divide, min, mul, round } from '../../kernel/decimal.ts';
import { truncateToLot } from '../../kernel/precision.ts';

/** An amount of cash that is put aside has no more digits behind the point than a recorded one. */
const budgetDigits = 18;

/**
 * What an entry may cost, fees included: the fraction of the equity, no more than the largest
 * position of the risk profile, and no more than the cash that is there. For `budget` of an order.
 */
export function entryBudget(of: {
  readonly equity: Decimal;
  readonly cash: Decimal;
  /** Over 0 and up to 1. */
  readonly fraction: Decimal;
  /** Of the risk profile; undefined for no limit. */
  readonly maxPositionSize: Decimal | undefined;
}): Decimal {
  const { equity, cash, fraction, maxPositionSize } = of;
  const share = maxPositionSize === undefined ? fraction : min(fraction, maxPositionSize);
  return round(min(cash, mul(equity, share)), budgetDigits, 'TRUNCATE');
}

/**
 * The whole lots that the budget buys at the price, before fee and slippage: the order has the budget
 * beside it, which is never gone over.
 *
 * @throws RangeError unless price and lot are over 0
 */
export function entryQuantity(budget: Decimal, price: Decimal, lotSize: Decimal): Decimal {
  const bought = divide(budget, price, { fractionDigits: budgetDigits, rounding: 'TRUNCATE' });
  return truncateToLot(bought, lotSize);
}
