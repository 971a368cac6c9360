import {
  add,
  type Decimal,
  decimal,
  isNegative,
  isZero,
  mul,
  neg,
  zero,
} from '../../../kernel/decimal.ts';
import type { FlowRow } from './cash-flows.ts';
import type { PriceRow } from './hourly-prices.ts';
import type { Step } from './returns.ts';

export const millisecondsPerHour = 3_600_000;

/** A trade by what it changed. */
export type TimedTrade = {
  /** In milliseconds since 1970. */
  readonly time: number;
  readonly instrumentId: string;
  readonly quantityChange: string;
  readonly cashChange: string;
  readonly price: string;
};

/** What a portfolio had before the first hour, and what happened from then on, by time. */
export type HourlyHistory = {
  readonly cash: string;
  /** By instrument; the price is that of its last trade. */
  readonly held: ReadonlyMap<string, readonly [quantity: string, price: string]>;
  readonly trades: readonly TimedTrade[];
  readonly flows: readonly FlowRow[];
  /** By instrument, by their ends. */
  readonly prices: ReadonlyMap<string, readonly PriceRow[]>;
};

export type HourStep = Step & {
  /** Something held was worth its close of a candle longer than an hour. */
  readonly isCoarse: boolean;
};

type Holding = {
  readonly prices: readonly PriceRow[];
  next: number;
  quantity: Decimal;
  price: Decimal;
  isPriced: boolean;
  isCoarse: boolean;
};

/**
 * The value at the end of each hour, with the flows of the hour. Before its first close an instrument
 * has the price of its last trade.
 *
 * first, last: hours since 1970, both included; what happened before the first is in its value
 */
export function hourSteps(history: HourlyHistory, first: number, last: number): HourStep[] {
  const holdings = new Map<string, Holding>();
  for (const [id, prices] of history.prices) {
    const [quantity, price] = history.held.get(id) ?? ['0', '0'];
    holdings.set(id, holdingOf(prices, quantity, price));
  }
  const steps: HourStep[] = [];
  let cash = decimal(history.cash);
  let [trade, flow] = [0, 0];
  for (let hour = first; hour <= last; hour += 1) {
    const end = (hour + 1) * millisecondsPerHour;
    let [deposits, withdrawals] = [zero, zero];
    for (; (history.flows[flow]?.[0] ?? end) < end; flow += 1) {
      const amount = decimal(history.flows[flow]?.[1] ?? '0');
      cash = add(cash, amount);
      if (isNegative(amount)) withdrawals = add(withdrawals, neg(amount));
      else deposits = add(deposits, amount);
    }
    for (; (history.trades[trade]?.time ?? end) < end; trade += 1) {
      const made = history.trades[trade] as TimedTrade;
      const holding = holdings.get(made.instrumentId);
      // The first of an instrument, recorded since the history was read: not a part of it yet.
      if (holding === undefined) continue;
      cash = add(cash, decimal(made.cashChange));
      apply(holding, made);
    }
    const { value, isCoarse } = valueAll(holdings.values(), end / 1000);
    steps.push({ at: hour, value: add(cash, value), deposits, withdrawals, isCoarse });
  }
  return steps;
}

function holdingOf(prices: readonly PriceRow[], quantity: string, price: string): Holding {
  const held = { quantity: decimal(quantity), price: decimal(price) };
  return { prices, next: 0, ...held, isPriced: false, isCoarse: false };
}

function apply(holding: Holding, trade: TimedTrade): void {
  holding.quantity = add(holding.quantity, decimal(trade.quantityChange));
  if (!holding.isPriced) holding.price = decimal(trade.price);
}

/** At the closes until the end of an hour, in seconds since 1970. */
function valueAll(holdings: Iterable<Holding>, endSeconds: number) {
  let value = zero;
  let isCoarse = false;
  for (const holding of holdings) {
    const before = holding.next;
    while ((holding.prices[holding.next]?.end ?? endSeconds + 1) <= endSeconds) holding.next += 1;
    const row = holding.prices[holding.next - 1];
    if (row !== undefined && holding.next !== before) {
      holding.price = decimal(row.price);
      holding.isPriced = true;
      holding.isCoarse = row.isCoarse;
    }
    if (isZero(holding.quantity)) continue;
    value = add(value, mul(holding.quantity, holding.price));
    if (holding.isCoarse) isCoarse = true;
  }
  return { value, isCoarse };
}
