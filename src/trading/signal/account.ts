import type { Timestamp } from '@bufbuild/protobuf/wkt';
import { add, type Decimal, mul, sub, zero } from '../../kernel/decimal.ts';
import { closeOf, type RecentCandles } from '../model/recent-candles.ts';

/** What a signal looks at of a portfolio. */
export type SignalPortfolio = {
  readonly lifecycle: 'open';
  readonly userId: string;
  readonly baseCurrency: string;
  readonly cash: Decimal;
  readonly positions: readonly {
    readonly instrumentId: string;
    readonly quantity: Decimal;
    readonly price: Decimal;
  }[];
  readonly reservations: readonly {
    readonly signalId: string;
    readonly instrumentId: string;
    readonly cash: Decimal;
    readonly units: Decimal;
  }[];
  readonly closings: readonly { readonly instrumentId: string; readonly at: number }[];
  readonly worth: { readonly peak: Decimal };
  readonly lastActivity: Timestamp | undefined;
};

/** The last recorded candles of instruments, by instrument. */
export type Prices = (instrumentId: string) => RecentCandles;

/** A portfolio at the last recorded prices. */
export type SignalAccount = {
  readonly freeCash: Decimal;
  readonly held: Decimal;
  readonly freeUnits: Decimal;
  /** Cash and all positions. */
  readonly equity: Decimal;
  /** The positions, and the cash that is reserved for purchases. */
  readonly exposure: Decimal;
  /** Cash that is reserved for purchases of the instrument. */
  readonly pending: Decimal;
  /** Instruments that are held or about to be bought. */
  readonly open: ReadonlySet<string>;
  /** When the last position in the instrument was closed, in seconds since 1970. */
  readonly closedAt: number | undefined;
  readonly peak: Decimal;
};

/**
 * price: of one unit of the instrument. Others are worth their last recorded close at the interval of
 * the signal; where there is none, what the portfolio itself knows of.
 */
export function accountOf(
  portfolio: SignalPortfolio,
  instrumentId: string,
  price: Decimal,
  prices: Prices,
): SignalAccount {
  const { cash, positions, reservations, closings, worth } = portfolio;
  const priceOf = (position: SignalPortfolio['positions'][number]) => {
    if (position.instrumentId === instrumentId) return price;
    const last = prices(position.instrumentId).at(-1);
    return last === undefined ? position.price : closeOf(last);
  };
  const own = reservations.filter((one) => one.instrumentId === instrumentId);
  const value = sum(positions.map((position) => mul(position.quantity, priceOf(position))));
  const reserved = sum(reservations.map((one) => one.cash));
  const held = positions.find((one) => one.instrumentId === instrumentId)?.quantity ?? zero;
  const purchases = reservations.filter((one) => one.cash.gt(zero));
  const closed = closings.find((one) => one.instrumentId === instrumentId);
  return {
    freeCash: sub(cash, reserved),
    held,
    freeUnits: sub(held, sum(own.map((one) => one.units))),
    equity: add(cash, value),
    exposure: add(value, reserved),
    pending: sum(own.map((one) => one.cash)),
    open: new Set([...positions, ...purchases].map((one) => one.instrumentId)),
    closedAt: closed === undefined ? undefined : closed.at / 1000,
    peak: worth.peak,
  };
}

function sum(amounts: readonly Decimal[]): Decimal {
  return amounts.reduce(add, zero);
}
