import { add, type Decimal, divide, isZero, max, mul, sub, zero } from '../../kernel/decimal.ts';
import type { Fill, FillSide } from './fills.ts';

export type TradeReason =
  | 'ENTRY_RULE'
  | 'EXIT_RULE'
  | 'STOP_LOSS'
  | 'TRAILING_STOP'
  | 'TAKE_PROFIT';

/** A fill of a backtest, with what there was behind it. */
export type BacktestTrade = Fill & {
  /** From 1. */
  readonly number: number;
  readonly side: FillSide;
  readonly reason: TradeReason;
  readonly cash: Decimal;
  readonly position: Decimal;
};

/** Cash, and one position at most. */
export type Account = {
  readonly cash: Decimal;
  readonly position: Decimal;
  /** Of the open position: all that was bought, and price x quantity of it. */
  readonly bought: Decimal;
  readonly paid: Decimal;
  /** The highest price since it was opened. */
  readonly best: Decimal;
  /** When the last position was closed, in seconds since 1970. */
  readonly exitedAt?: number;
};

export function openAccount(cash: Decimal): Account {
  return { cash, position: zero, bought: zero, paid: zero, best: zero };
}

export function isFlat({ position }: Account): boolean {
  return isZero(position);
}

/** The account behind a fill. */
export function booked(account: Account, side: FillSide, fill: Fill): Account {
  const { quantity, price, fee, at } = fill;
  const amount = mul(price, quantity);
  if (side === 'BUY') {
    return {
      ...account,
      cash: sub(account.cash, add(amount, fee)),
      position: add(account.position, quantity),
      bought: add(account.bought, quantity),
      paid: add(account.paid, amount),
    };
  }
  const cash = add(account.cash, sub(amount, fee));
  const position = sub(account.position, quantity);
  return isZero(position) ? { ...openAccount(cash), exitedAt: at } : { ...account, cash, position };
}

/** With the highest price of a candle that the position was held in. */
export function withBest(account: Account, high: Decimal): Account {
  return isFlat(account) ? account : { ...account, best: max(account.best, high) };
}

/** Of the open position, without fees. */
export function averagePrice({ paid, bought }: Account): Decimal {
  return divide(paid, bought, { fractionDigits: 18, rounding: 'HALF_UP' });
}

export function equityOf({ cash, position }: Account, price: Decimal): Decimal {
  return isZero(position) ? cash : add(cash, mul(position, price));
}
