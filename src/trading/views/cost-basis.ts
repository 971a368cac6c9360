import {
  add,
  type Decimal,
  decimal,
  isNegative,
  isPositive,
  isZero,
  mul,
  sub,
  toText,
  zero,
} from '../../kernel/decimal.ts';
import { amountText, sumText } from './amounts.ts';
import { type CostBasisMethod, costOfRest, type Lot } from './lots/lot.ts';
import { frontLot, type LotBook, withFrontLot, withLot } from './lots/lot-book.ts';
import { noPages } from './lots/pages.ts';

// Open lots and realised gains of one instrument in one portfolio, by the cost basis method of the
// portfolio. All amounts are decimal texts. Trades are applied in the order given: one that comes
// late takes its place among the open lots by its time, but undoes no sale.

/** A position as it is stored. Its method is part of it, for lots of one are no lots of another. */
export type CostBasisPosition = {
  readonly method: CostBasisMethod;
  readonly lots: LotBook;
  /** The sums over the lots. */
  readonly quantity: string;
  readonly cost: string;
  /** Over all sales until now; negative for a loss. */
  readonly realised: string;
};

export interface Buy {
  /** Of the purchase, and when it was made: without blanks, as in `Lot`. */
  readonly id: string;
  readonly time: string;
  /** Over zero. */
  readonly quantity: string;
  /** All that was paid, fees included. */
  readonly cost: string;
}

export interface Sell {
  /** Over zero. */
  readonly quantity: string;
  /** All that was received, less the fees: negative where the fees were higher than the price. */
  readonly proceeds: string;
}

/** What a sale took from one lot: its purchase, and when that was. */
export interface ConsumedLot {
  readonly id: string;
  readonly time: string;
  readonly quantity: string;
  readonly cost: string;
}

export interface Sale {
  /** Proceeds less the cost of what was sold. */
  readonly realised: string;
  readonly cost: string;
  /** In the order in which they were sold. */
  readonly consumed: readonly ConsumedLot[];
  /** Sold without having been there; counted at no cost, so that all its proceeds are gain. "0". */
  readonly missing: string;
}

export function emptyPosition(method: CostBasisMethod): CostBasisPosition {
  return { method, lots: noPages, quantity: '0', cost: '0', realised: '0' };
}

function quantityOf(text: string): Decimal {
  const quantity = decimal(text);
  if (!isPositive(quantity)) throw new RangeError(`a quantity of ${text} is not over zero`);
  return quantity;
}

/** The position after a purchase. @throws RangeError unless quantity > 0 and cost >= 0 */
export function applyBuy(position: CostBasisPosition, buy: Buy): CostBasisPosition {
  const { method, realised } = position;
  const bought = quantityOf(buy.quantity);
  const paid = decimal(buy.cost);
  if (isNegative(paid)) throw new RangeError(`a cost of ${buy.cost} is under zero`);
  const [boughtQuantity, boughtCost] = [toText(bought), toText(paid)];
  const lot = { id: buy.id, time: buy.time, quantity: boughtQuantity, cost: boughtCost };
  return {
    method,
    lots: withLot(method, position.lots, { ...lot, boughtQuantity, boughtCost }),
    quantity: toText(add(decimal(position.quantity), bought)),
    cost: sumText(position.cost, boughtCost),
    realised,
  };
}

/** The position after a sale, and what the sale did. @throws RangeError unless quantity > 0 */
export function applySell(
  position: CostBasisPosition,
  sell: Sell,
): Sale & { readonly position: CostBasisPosition } {
  const { method } = position;
  const wanted = quantityOf(sell.quantity);
  const proceeds = decimal(sell.proceeds);
  const consumed: ConsumedLot[] = [];
  let lots = position.lots;
  let missing = wanted;
  let removed = zero;
  for (let lot = frontLot(method, lots); lot !== undefined; lot = frontLot(method, lots)) {
    const { taken, rest } = takeFrom(lot, missing);
    consumed.push(taken);
    lots = withFrontLot(method, lots, rest);
    missing = sub(missing, decimal(taken.quantity));
    removed = add(removed, decimal(taken.cost));
    if (isZero(missing)) break;
  }
  const sold = sub(wanted, missing);
  const gain = sub(proceeds, removed);
  return {
    realised: amountText(gain),
    cost: amountText(removed),
    consumed,
    missing: toText(missing),
    position: {
      method,
      lots,
      quantity: toText(sub(decimal(position.quantity), sold)),
      cost: amountText(sub(decimal(position.cost), removed)),
      realised: amountText(add(decimal(position.realised), gain)),
    },
  };
}

/** At most `wanted` units of the lot, and what is left of it. */
function takeFrom(lot: Lot, wanted: Decimal) {
  const { id, time } = lot;
  const left = sub(decimal(lot.quantity), wanted);
  if (!isPositive(left)) {
    return { taken: { id, time, quantity: lot.quantity, cost: lot.cost }, rest: undefined };
  }
  const costLeft = costOfRest(lot, left);
  const cost = amountText(sub(decimal(lot.cost), costLeft));
  return {
    taken: { id, time, quantity: toText(wanted), cost },
    rest: { ...lot, quantity: toText(left), cost: toText(costLeft) },
  };
}

/** What the position would gain at the price: quantity x price less its cost. */
export function unrealisedGain(
  position: Pick<CostBasisPosition, 'quantity' | 'cost'>,
  price: string,
): string {
  return toText(sub(mul(decimal(position.quantity), decimal(price)), decimal(position.cost)));
}
