import { add, type Decimal, decimal, isZero, mul, zero } from '../../../kernel/decimal.ts';
import type { CloseRow } from '../candles/daily-closes.ts';
import type { History } from './history.ts';
import type { Period } from './period.ts';

/** A portfolio as a day (UTC) ended, and what came in and went out on that day. */
export type Valuation = {
  readonly day: number;
  readonly value: Decimal;
  readonly cash: string;
  readonly deposits: string;
  readonly withdrawals: string;
  /** A market that closes was open: an instrument of one had a price of this day, or was traded. */
  readonly isSession: boolean;
};

export type Valuations = {
  /** One for each day of the period. */
  readonly days: readonly Valuation[];
  /** The asset classes that were held at the end of one of the days. */
  readonly held: ReadonlySet<string>;
  /** Days on which a held instrument had no price of its own. */
  readonly carried: number;
  /** The day of the last recorded price that was used. */
  readonly pricedAt: number | undefined;
};

/** What is held of an instrument at the end of a day, and at which price it counts. */
export type Held = {
  readonly instrumentId: string;
  readonly quantity: Decimal;
  readonly price: Decimal;
  readonly value: Decimal;
  /** The day of the price; undefined for that of a trade. */
  readonly pricedAt: number | undefined;
};

/** Told of each day of the period, in order, with all that is held at its end. */
export type Observer = (valuation: Valuation, held: readonly Held[]) => void;

const crypto = 'CRYPTO';

/** What a portfolio holds of an instrument, as time goes by. Changed in place. */
type Holding = {
  readonly closes: readonly CloseRow[];
  readonly assetClass: string;
  next: number;
  quantity: Decimal;
  price: Decimal | undefined;
  pricedAt: number | undefined;
  /** Of the last trade: it stands in until there is a close. */
  tradePrice: Decimal;
  tradedAt: number;
  value: Decimal;
};

/**
 * The value at the end of each day: cash, and quantities at the close of the day. On a day without a
 * close of its own an instrument keeps the last one before; before its first one it has the price of
 * its last trade in the portfolio.
 *
 * closes: of each instrument that was traded, oldest first
 */
export function valuationsOf(
  history: History,
  closes: ReadonlyMap<string, readonly CloseRow[]>,
  { from, to }: Period,
  observe?: Observer,
): Valuations {
  const holdings = new Map(
    [...history.instruments].map(([id, instrument]) => [
      id,
      holdingOf(closes.get(id) ?? [], instrument?.assetClass ?? ''),
    ]),
  );
  const days: Valuation[] = [];
  const held = new Set<string>();
  let carried = 0;
  let pricedAt: number | undefined;
  let cash = '0';
  let at = 0;
  for (let day = history.known.from; day <= to; day += 1) {
    const activity = history.days[at]?.day === day ? history.days[at] : undefined;
    if (activity !== undefined) {
      at += 1;
      cash = activity.cash;
      for (const [id, [quantity, price]] of Object.entries(activity.traded)) {
        trade(holdings.get(id) as Holding, day, quantity, price);
      }
    }
    // Only the prices of the period matter, and the last ones before it.
    if (day < from) continue;
    const { value, stale, newest } = priceAll(holdings.values(), day, held);
    if (stale) carried += 1;
    if (newest !== undefined) pricedAt = Math.max(pricedAt ?? newest, newest);
    const valuation = {
      day,
      value: add(decimal(cash), value),
      cash,
      deposits: activity?.deposits ?? '0',
      withdrawals: activity?.withdrawals ?? '0',
      isSession: [...holdings.values()].some((holding) => isOpen(holding, day)),
    };
    days.push(valuation);
    observe?.(valuation, heldOf(holdings));
  }
  return { days, held, carried, pricedAt };
}

function holdingOf(closes: readonly CloseRow[], assetClass: string): Holding {
  return {
    closes,
    assetClass,
    next: 0,
    quantity: zero,
    price: undefined,
    pricedAt: undefined,
    tradePrice: zero,
    tradedAt: Number.NaN,
    value: zero,
  };
}

function trade(holding: Holding, day: number, quantity: string, price: string): void {
  holding.quantity = decimal(quantity);
  holding.tradePrice = decimal(price);
  holding.tradedAt = day;
  revalue(holding);
}

function revalue(holding: Holding): void {
  holding.value = mul(holding.quantity, holding.price ?? holding.tradePrice);
}

/** Moves all holdings to the closes of the day, and sums them up. */
function priceAll(holdings: Iterable<Holding>, day: number, held: Set<string>) {
  let value = zero;
  let stale = false;
  let newest: number | undefined;
  for (const holding of holdings) {
    moveTo(holding, day);
    if (isZero(holding.quantity)) continue;
    const { pricedAt } = holding;
    held.add(holding.assetClass);
    value = add(value, holding.value);
    if (pricedAt !== day) stale = true;
    if (pricedAt !== undefined) newest = Math.max(newest ?? pricedAt, pricedAt);
  }
  return { value, stale, newest };
}

function moveTo(holding: Holding, day: number): void {
  const { closes } = holding;
  let latest: CloseRow | undefined;
  while ((closes[holding.next]?.[0] ?? Number.POSITIVE_INFINITY) <= day) {
    latest = closes[holding.next];
    holding.next += 1;
  }
  if (latest === undefined) return;
  holding.pricedAt = latest[0];
  holding.price = decimal(latest[1]);
  revalue(holding);
}

function heldOf(holdings: ReadonlyMap<string, Holding>): readonly Held[] {
  return [...holdings].flatMap(
    ([instrumentId, { quantity, price, tradePrice, value, pricedAt }]) =>
      isZero(quantity)
        ? []
        : [{ instrumentId, quantity, price: price ?? tradePrice, value, pricedAt }],
  );
}

function isOpen({ assetClass, pricedAt, tradedAt }: Holding, day: number): boolean {
  return assetClass !== crypto && (pricedAt === day || tradedAt === day);
}

/** The days of return in a year: 365 where all that is held is crypto, 252 otherwise. */
export function annualisationOf(held: ReadonlySet<string>): {
  readonly factor: number;
  readonly basis: string;
} {
  if (held.size === 0) return { factor: 252, basis: 'NOTHING_HELD' };
  const always = [...held].every((assetClass) => assetClass === crypto);
  return always
    ? { factor: 365, basis: 'ALL_CRYPTO' }
    : { factor: 252, basis: 'MARKETS_THAT_CLOSE' };
}
