import { type Decimal, max, toNumber, toText } from '../../../kernel/decimal.ts';
import type { EquityPoint } from '../../model/backtest.ts';
import { amountText } from '../amounts.ts';
import { secondsPerDay } from '../days.ts';
import type { Valuation } from '../performance/valuation.ts';

/** The equity at the end of each day, from the day before the first one on. Grows in place. */
export type DailyEquity = {
  readonly add: (point: EquityPoint) => void;
  readonly days: readonly Valuation[];
};

/** Days without a candle have the equity of the day before. */
export function createDailyEquity(firstDay: number, cash: Decimal): DailyEquity {
  const none = { deposits: '0', withdrawals: '0' };
  const days: Valuation[] = [
    { day: firstDay - 1, value: cash, cash: toText(cash), ...none, isSession: false },
  ];
  return {
    days,
    add: ({ start, equity, cash: held }) => {
      const day = Math.floor(start / secondsPerDay);
      let last = days.at(-1) as Valuation;
      while (last.day < day - 1) {
        last = { ...last, day: last.day + 1, isSession: false };
        days.push(last);
      }
      if (last.day === day) days.pop();
      days.push({ day, value: equity, cash: amountText(held), ...none, isSession: true });
    },
  };
}

/** Points as answers have them. Grows in place: it keeps the highest equity. */
export function createDrawdown(initial: Decimal) {
  let peak = initial;
  return ({ start, equity, cash, position, close }: EquityPoint) => {
    peak = max(peak, equity);
    return {
      start: BigInt(start),
      equity: amountText(equity),
      cash: amountText(cash),
      position: toText(position),
      close: toText(close),
      drawdown: toNumber(equity) / toNumber(peak) - 1,
    };
  };
}
