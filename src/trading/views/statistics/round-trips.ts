import {
  add,
  type Decimal,
  decimal,
  divide,
  mul,
  sub,
  toText,
  zero,
} from '../../../kernel/decimal.ts';
import { amountText, fractionDigitsOfPart } from '../amounts.ts';
import { type CostBasisPosition, emptyPosition, type Sale } from '../cost-basis.ts';
import { applyTrade, type TradeChange } from '../lots/apply-trade.ts';
import type { CostBasisMethod } from '../lots/lot.ts';

/** A trade of a portfolio, in the order in which they were recorded, which is that of their time. */
export type ReplayedTrade = TradeChange & {
  readonly instrumentId: string;
  /** Empty where it is of none. */
  readonly strategyId: string;
};

/**
 * From a purchase to a sale: what one sale took from one lot. Amounts are decimal texts, in the
 * quote currency, with the fees of both ends.
 */
export type RoundTrip = {
  readonly instrumentId: string;
  /** Of the sale. */
  readonly strategyId: string;
  /** In milliseconds since 1970. */
  readonly enteredAt: number;
  readonly exitedAt: number;
  /** Of the trade that bought; empty for what was not there, and for a fee. */
  readonly entryId: string;
  /** Of the trade that sold. */
  readonly exitId: string;
  readonly quantity: string;
  readonly cost: string;
  readonly proceeds: string;
  /** Proceeds less cost. */
  readonly gain: string;
};

export type Replay = {
  readonly trips: readonly RoundTrip[];
  /** What is left, by instrument. */
  readonly positions: ReadonlyMap<string, CostBasisPosition>;
};

/** The round trips of trades by a cost basis method, in the order of their sales. */
export function roundTripsOf(method: CostBasisMethod, trades: readonly ReplayedTrade[]): Replay {
  const positions = new Map<string, CostBasisPosition>();
  const trips: RoundTrip[] = [];
  for (const trade of trades) {
    const before = positions.get(trade.instrumentId) ?? emptyPosition(method);
    const { position, sale } = applyTrade(before, trade);
    positions.set(trade.instrumentId, position);
    if (sale !== undefined) trips.push(...tripsOf(trade, sale));
  }
  return { trips, positions };
}

/**
 * The proceeds of a sale are shared out by quantity; the last lot has the rest, so that the gains of
 * its trips add up to what it realised. A purchase that its fee took whole is a trip of nothing.
 */
function tripsOf(trade: ReplayedTrade, sale: Sale): readonly RoundTrip[] {
  const { instrumentId, strategyId, id: exitId, time: exitedAt, cashChange } = trade;
  const known = { instrumentId, strategyId, exitId, exitedAt };
  const parts = partsOf(trade, sale);
  const proceeds = sale.consumed.length === 0 && sale.missing === '0' ? zero : decimal(cashChange);
  const sold = parts.reduce((sum, { quantity }) => add(sum, decimal(quantity)), zero);
  let rest = proceeds;
  return parts.map(({ entryId, enteredAt, quantity, cost }, at) => {
    const share = at === parts.length - 1 ? rest : shareOf(proceeds, decimal(quantity), sold);
    rest = sub(rest, share);
    const gain = amountText(sub(share, decimal(cost)));
    return { ...known, entryId, enteredAt, quantity, cost, proceeds: amountText(share), gain };
  });
}

function partsOf({ time }: ReplayedTrade, { consumed, missing, cost }: Sale) {
  const parts = consumed.map((lot) => ({
    entryId: lot.id,
    enteredAt: Number(lot.time),
    quantity: lot.quantity,
    cost: lot.cost,
  }));
  if (missing !== '0') {
    return [...parts, { entryId: '', enteredAt: time, quantity: missing, cost: '0' }];
  }
  return parts.length > 0 ? parts : [{ entryId: '', enteredAt: time, quantity: '0', cost }];
}

function shareOf(whole: Decimal, part: Decimal, all: Decimal): Decimal {
  const share = divide(mul(whole, part), all, {
    fractionDigits: fractionDigitsOfPart(whole),
    rounding: 'HALF_UP',
  });
  return decimal(amountText(share));
}

/** Trips of a sale as one: entered at the mean of their times, by quantity. */
export type ClosedTrade = RoundTrip & {
  /** How long it was held, in milliseconds; of several lots the mean by quantity. */
  readonly heldMs: number;
};

/** Each round trip as a trade of its own. */
export function byLot(trips: readonly RoundTrip[]): readonly ClosedTrade[] {
  return trips.map((trip) => ({ ...trip, heldMs: trip.exitedAt - trip.enteredAt }));
}

/** Each sale as one trade, whatever the number of lots that it took from. Trips of one portfolio. */
export function bySale(trips: readonly RoundTrip[]): readonly ClosedTrade[] {
  const sales = Map.groupBy(trips, ({ exitId }) => exitId);
  return [...sales.values()].map((parts) => {
    const [first] = parts as [RoundTrip, ...RoundTrip[]];
    const sum = (field: 'quantity' | 'cost' | 'proceeds' | 'gain') =>
      amountText(parts.reduce((total, part) => add(total, decimal(part[field])), zero));
    return {
      ...first,
      enteredAt: Math.min(...parts.map(({ enteredAt }) => enteredAt)),
      quantity: sum('quantity'),
      cost: sum('cost'),
      proceeds: sum('proceeds'),
      gain: sum('gain'),
      heldMs: meanHeld(parts),
    };
  });
}

function meanHeld(parts: readonly RoundTrip[]): number {
  let weights = 0;
  let held = 0;
  for (const { quantity, enteredAt, exitedAt } of parts) {
    const weight = Number(quantity);
    weights += weight;
    held += weight * (exitedAt - enteredAt);
  }
  return weights === 0 ? 0 : held / weights;
}

/** The change of a position by a recorded trade: a fee in the base asset is taken from it. */
export function quantityChangeOf(trade: {
  readonly side: string;
  readonly quantity: string;
  readonly fee: string;
  readonly feeCurrency: string;
  readonly quoteCurrency: string;
}): string {
  const quantity = decimal(trade.quantity);
  const signed = trade.side === 'SELL' ? sub(zero, quantity) : quantity;
  const inBase = trade.feeCurrency !== trade.quoteCurrency;
  return toText(inBase ? sub(signed, decimal(trade.fee)) : signed);
}
