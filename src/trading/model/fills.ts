import {
  add,
  compare,
  type Decimal,
  decimal,
  divide,
  isPositive,
  isZero,
  max,
  min,
  mul,
  round,
  sub,
  toNumber,
  zero,
} from '../../kernel/decimal.ts';
import { roundToTick, truncateToLot } from '../../kernel/precision.ts';
import { uniformOf } from './chance.ts';

// What an order gets out of a recorded candle. The backtest and the paper venue both ask here, so
// that a strategy trades the same in the one and in the other.

export type FillSide = 'BUY' | 'SELL';

/** A candle that is closed. Times are in seconds since 1970 (UTC). */
export type FillCandle = {
  readonly start: number;
  /** The length of its interval. */
  readonly seconds: number;
  readonly open: Decimal;
  readonly high: Decimal;
  readonly low: Decimal;
  readonly close: Decimal;
  readonly volume: Decimal;
};

/**
 * An order at the venue: a market order; with a limit, one that never pays more, or gets less, than
 * that; with a stop, one that becomes a market order as soon as the price is as bad as that (a sale
 * at or under it, a purchase at or over it). One with both has its limit from then on.
 */
export type WorkingOrder = {
  /** Decides, with the seed of the model, whether the venue refuses it. */
  readonly id: string;
  readonly side: FillSide;
  readonly quantity: Decimal;
  readonly limitPrice?: Decimal;
  readonly stopPrice?: Decimal;
  /** Whether a stop was reached in an earlier candle. */
  readonly triggered?: boolean;
  /**
   * Of a purchase: the most that price x quantity and fee of all its fills may come to, such as the
   * cash that is reserved for it. What it does not pay for is not bought.
   */
  readonly budget?: Decimal;
  /** What earlier candles filled, and what that came to, fees included. */
  readonly filled: Decimal;
  readonly spent: Decimal;
  /** The start of the last candle that was closed when the order was placed. */
  readonly placedAfter: number;
};

/** How the market is taken to treat orders. Fractions: "0.001" is 0.1 %. */
export type FillModel = {
  /** Of price x quantity, in the quote currency. */
  readonly feeRate: Decimal;
  /** How much worse than the price of the candle a market order fares, as a fraction of it. */
  readonly slippage: Decimal;
  /** The share of a candle's volume that one order may have; absent: as much as it asks for. */
  readonly participation?: Decimal;
  /** How many candles pass between the placing and the first that can fill: 0 is the next one. */
  readonly delayCandles: number;
  /** The share of orders that the venue refuses, by chance from seed and order id alone. */
  readonly rejectionRate: Decimal;
  readonly seed: string;
};

/** What is assumed where nobody says otherwise. */
export const defaultFillModel: FillModel = {
  feeRate: decimal('0.001'),
  slippage: decimal('0.0005'),
  delayCandles: 0,
  rejectionRate: zero,
  seed: '',
};

/** What the instrument allows. Tick and lot are over 0. */
export type FillRules = {
  readonly tickSize: Decimal;
  readonly lotSize: Decimal;
  /** 0 for none. */
  readonly minimumOrderSize: Decimal;
};

export type Fill = {
  readonly quantity: Decimal;
  readonly price: Decimal;
  /** In the quote currency; up to 18 digits behind the point. */
  readonly fee: Decimal;
  /** In seconds since 1970 (UTC): the start of the candle, or its end for a price reached within. */
  readonly at: number;
};

/**
 * WAITING: the candle came too early for the order. OPEN: the order stays, with what is left of it.
 * FILLED: nothing is left. EXHAUSTED: the order is over, for its budget buys no more. REJECTED: the
 * venue refused it, and nothing of it was filled.
 */
export type FillOutcome = {
  readonly status: 'WAITING' | 'OPEN' | 'FILLED' | 'EXHAUSTED' | 'REJECTED';
  readonly fills: readonly Fill[];
  /** Of the quantity, behind these fills. */
  readonly left: Decimal;
  /** To be kept with the order for the next candle. */
  readonly triggered: boolean;
  readonly reason?: 'QUANTITY_BELOW_MINIMUM' | 'VENUE_REJECTED';
};

/** Amounts of recorded trades have no more digits behind the point. */
const feeDigits = 18;

const quotient = { fractionDigits: 18, rounding: 'TRUNCATE' } as const;

/**
 * What the candle does to the order, to the last digit the same for the same arguments.
 *
 * A market order has the opening price, worse by the slippage, on the tick (half up). A limit order
 * has that too where it is no worse than the limit; where the limit is reached only later in the
 * candle, it has the limit, at the end of the candle. A stop that the opening is beyond has the
 * opening price, one that is reached later the stop's, both worse by the slippage, and both before
 * anything else of that candle is asked for. Prices are never over or under those of the candle but
 * for the slippage and the tick.
 *
 * A fill is in whole lots and at least the minimum of an order, and leaves nothing or at least that:
 * each can be recorded as a trade of its own. A candle without room for one leaves the order open.
 *
 * @throws RangeError unless tick and lot are over 0
 */
export function fillsOf(
  order: WorkingOrder,
  candle: FillCandle,
  model: FillModel,
  rules: FillRules,
): FillOutcome {
  const left = truncateToLot(sub(order.quantity, order.filled), rules.lotSize);
  const triggered = order.triggered === true || order.stopPrice === undefined;
  const none = (status: FillOutcome['status'], isTriggered = triggered): FillOutcome => ({
    ...{ status, fills: [], left, triggered: isTriggered },
  });
  if (isZero(order.filled) && !isTradable(left, rules)) {
    return { ...none('REJECTED'), reason: 'QUANTITY_BELOW_MINIMUM' };
  }
  if (isZero(left)) return none('FILLED');
  const first = order.placedAfter + (1 + model.delayCandles) * candle.seconds;
  if (candle.start < first) return none('WAITING');
  if (isZero(order.filled) && isRefused(order, model)) {
    return { ...none('REJECTED'), reason: 'VENUE_REJECTED' };
  }
  const met = triggered ? { price: candle.open, at: candle.start } : stopOf(order, candle);
  if (met === undefined) return none('OPEN');
  const priced = priceOf(order, met, candle, model, rules);
  if (priced === undefined) return none('OPEN', true);
  const affordable = affordableOf(order, left, priced.price, model, rules);
  if (!isTradable(affordable, rules)) return none('EXHAUSTED', true);
  const quantity = quantityWithin(affordable, left, candle, model, rules);
  if (isZero(quantity)) return none('OPEN', true);
  const fill = { quantity, price: priced.price, fee: feeOf(priced.price, quantity, model) };
  const rest = sub(left, quantity);
  const over = compare(quantity, affordable) === 0;
  return {
    status: isZero(rest) ? 'FILLED' : over ? 'EXHAUSTED' : 'OPEN',
    fills: [{ ...fill, at: priced.at }],
    left: rest,
    triggered: true,
  };
}

/** What the venue takes for a fill, in the quote currency, half up to 18 digits. */
export function feeOf(price: Decimal, quantity: Decimal, { feeRate }: FillModel): Decimal {
  return round(mul(mul(price, quantity), feeRate), feeDigits, 'HALF_UP');
}

/** The order as it stands behind a candle, for the next one. */
export function afterFills(order: WorkingOrder, { fills, triggered }: FillOutcome): WorkingOrder {
  let { filled, spent } = order;
  for (const { quantity, price, fee } of fills) {
    filled = add(filled, quantity);
    spent = add(spent, add(mul(price, quantity), fee));
  }
  return { ...order, filled, spent, triggered };
}

/** A price of the candle, and from when on the market was there. */
type Met = { readonly price: Decimal; readonly at: number };

function isTradable(quantity: Decimal, { minimumOrderSize }: FillRules): boolean {
  return isPositive(quantity) && compare(quantity, minimumOrderSize) >= 0;
}

function isRefused({ id }: WorkingOrder, { seed, rejectionRate }: FillModel): boolean {
  return isPositive(rejectionRate) && uniformOf(`${seed} ${id}`) < toNumber(rejectionRate);
}

/** Where the stop is reached in the candle, or undefined. */
function stopOf({ side, stopPrice }: WorkingOrder, candle: FillCandle): Met | undefined {
  const stop = stopPrice as Decimal;
  const { start, seconds, open, high, low } = candle;
  const isBeyond = (price: Decimal) =>
    side === 'SELL' ? compare(price, stop) <= 0 : compare(price, stop) >= 0;
  if (isBeyond(open)) return { price: open, at: start };
  if (isBeyond(side === 'SELL' ? low : high)) return { price: stop, at: start + seconds };
  return undefined;
}

/** What the order pays or gets, or undefined where its limit is not reached. */
function priceOf(
  { side, limitPrice }: WorkingOrder,
  met: Met,
  candle: FillCandle,
  { slippage }: FillModel,
  { tickSize }: FillRules,
): Met | undefined {
  const worse = mul(met.price, slippage);
  const slipped = side === 'BUY' ? add(met.price, worse) : sub(met.price, worse);
  const price = max(roundToTick(slipped, tickSize), tickSize);
  if (limitPrice === undefined) return { price, at: met.at };
  const limit = limitOnTick(side, limitPrice, tickSize);
  if (!isPositive(limit)) return undefined;
  const isWithin = (asked: Decimal) =>
    side === 'BUY' ? compare(asked, limit) <= 0 : compare(asked, limit) >= 0;
  if (isWithin(met.price)) {
    return { price: side === 'BUY' ? min(price, limit) : max(price, limit), at: met.at };
  }
  const end = candle.start + candle.seconds;
  return isWithin(side === 'BUY' ? candle.low : candle.high)
    ? { price: limit, at: end }
    : undefined;
}

/** On the tick, and no worse for who placed it than what was asked for. */
function limitOnTick(side: FillSide, limit: Decimal, tick: Decimal): Decimal {
  const below = truncateToLot(limit, tick);
  return side === 'BUY' || compare(below, limit) === 0 ? below : add(below, tick);
}

/** How much of what is left the rest of the budget pays for, in whole lots. */
function affordableOf(
  { side, budget, spent }: WorkingOrder,
  left: Decimal,
  price: Decimal,
  model: FillModel,
  { lotSize }: FillRules,
): Decimal {
  if (budget === undefined || side === 'SELL') return left;
  const rest = sub(budget, spent);
  const isPaid = (quantity: Decimal) =>
    compare(add(mul(price, quantity), feeOf(price, quantity, model)), rest) <= 0;
  if (isPaid(left)) return left;
  if (!isPositive(rest)) return zero;
  const unit = add(price, mul(price, model.feeRate));
  const lots = truncateToLot(divide(rest, unit, quotient), lotSize);
  // The fee is rounded half up: that may be the last digit too much.
  return isPaid(lots) ? lots : sub(lots, lotSize);
}

/** How much of what is affordable the volume of the candle has room for. */
function quantityWithin(
  affordable: Decimal,
  left: Decimal,
  { volume }: FillCandle,
  { participation }: FillModel,
  rules: FillRules,
): Decimal {
  if (participation === undefined) return affordable;
  const room = truncateToLot(mul(volume, participation), rules.lotSize);
  if (compare(room, affordable) >= 0) return affordable;
  // What would stay must be tradable too, unless it is not paid for anyway.
  const isKept = compare(affordable, left) < 0 || isTradable(sub(left, room), rules);
  const quantity = isKept ? room : lotsBelow(sub(left, rules.minimumOrderSize), rules.lotSize);
  return isTradable(quantity, rules) ? quantity : zero;
}

function lotsBelow(quantity: Decimal, lot: Decimal): Decimal {
  return isPositive(quantity) ? truncateToLot(quantity, lot) : zero;
}
