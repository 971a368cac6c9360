import { compare, type Decimal, decimal, divide, mul, toText } from '../../../kernel/decimal.ts';
import { fractionDigitsOfPart } from '../amounts.ts';

/** How lots are chosen: first in, last in or highest unit cost first; or one pool at average cost. */
export type CostBasisMethod = 'FIFO' | 'LIFO' | 'HIFO' | 'AVERAGE';

/**
 * What is left of a purchase. Amounts are decimal texts. What was bought stays beside what is left:
 * the cost of the rest is always bought cost x quantity / bought quantity, so that no roundings add
 * up, and the unit cost never moves.
 */
export interface Lot {
  /** Of the purchase, without blanks. */
  readonly id: string;
  /** Without blanks, in one form for all lots, so that it compares as text. */
  readonly time: string;
  readonly quantity: string;
  readonly cost: string;
  readonly boughtQuantity: string;
  readonly boughtCost: string;
}

/**
 * A lot as it is stored: "id time bought-quantity bought-cost", and behind them the quantity that is
 * left, where that is another one. There may be thousands of lots in a position.
 */
export function toLotText(lot: Lot): string {
  const { id, time, quantity, boughtQuantity, boughtCost } = lot;
  const whole = `${id} ${time} ${boughtQuantity} ${boughtCost}`;
  return quantity === boughtQuantity ? whole : `${whole} ${quantity}`;
}

export function fromLotText(text: string): Lot {
  const [id = '', time = '', boughtQuantity = '', boughtCost = '', rest] = text.split(' ');
  const quantity = rest ?? boughtQuantity;
  const bought = { boughtQuantity, boughtCost };
  const cost = rest === undefined ? boughtCost : toText(costOfRest(bought, decimal(rest)));
  return { id, time, quantity, cost, ...bought };
}

/**
 * The cost of `quantity` units of the lot that are left, rounded half up to no fewer fraction digits
 * than that of the whole has: with fewer, the cost of a part could round to more than that of the whole.
 */
export function costOfRest(
  { boughtQuantity, boughtCost }: Pick<Lot, 'boughtQuantity' | 'boughtCost'>,
  quantity: Decimal,
): Decimal {
  const cost = decimal(boughtCost);
  return divide(mul(cost, quantity), decimal(boughtQuantity), {
    fractionDigits: fractionDigitsOfPart(cost),
    rounding: 'HALF_UP',
  });
}

/** Over 0 where a unit of the first lot cost more than one of the second. */
export function compareUnitCost(a: Lot, b: Lot): number {
  const first = Number(a.boughtCost) / Number(a.boughtQuantity);
  const difference = first - Number(b.boughtCost) / Number(b.boughtQuantity);
  // Doubles order all but near equals, and those are compared exactly.
  if (Math.abs(difference) > 1e-12 * Math.abs(first)) return difference;
  return compare(
    mul(decimal(a.boughtCost), decimal(b.boughtQuantity)),
    mul(decimal(b.boughtCost), decimal(a.boughtQuantity)),
  );
}
