import { amountText } from '../amounts.ts';
import type { CloseRow } from '../candles/daily-closes.ts';
import type { History } from '../performance/history.ts';
import type { Period } from '../performance/period.ts';
import { valuationsOf } from '../performance/valuation.ts';

/**
 * The end of each of some days, the oldest first, in little memory: those of every portfolio are held
 * there. Values and flows are decimal texts.
 */
export type Curve = {
  readonly from: number;
  readonly values: readonly string[];
  readonly deposits: readonly string[];
  readonly withdrawals: readonly string[];
  /** Of each day: what is set of `something`, `thatCloses`, `session`. */
  readonly flags: readonly number[];
};

/** Something was held at the end of the day. */
export const something = 1;
/** Something of a market that closes was. */
export const thatCloses = 2;
/** Such a market was open. */
export const session = 4;

const crypto = 'CRYPTO';

export function curveOf(
  history: History,
  closes: ReadonlyMap<string, readonly CloseRow[]>,
  period: Period,
): Curve {
  const flags: number[] = [];
  const { days } = valuationsOf(history, closes, period, ({ isSession }, held) => {
    const classOf = (id: string) => history.instruments.get(id)?.assetClass;
    const closing = held.some(({ instrumentId }) => classOf(instrumentId) !== crypto);
    const any = held.length > 0 ? something : 0;
    flags.push(any | (closing ? thatCloses : 0) | (isSession ? session : 0));
  });
  return {
    from: period.from,
    values: days.map(({ value }) => amountText(value)),
    deposits: days.map(({ deposits }) => deposits),
    withdrawals: days.map(({ withdrawals }) => withdrawals),
    flags,
  };
}

/** The days of the curve from `from` up to before those of `tail`, and these. */
export function spliced(curve: Curve, from: number, tail: Curve): Curve {
  const [first, end] = [from - curve.from, tail.from - curve.from];
  const join = <Item>(before: readonly Item[], behind: readonly Item[]) => [
    ...before.slice(first, end),
    ...behind,
  ];
  return {
    from,
    values: join(curve.values, tail.values),
    deposits: join(curve.deposits, tail.deposits),
    withdrawals: join(curve.withdrawals, tail.withdrawals),
    flags: join(curve.flags, tail.flags),
  };
}
