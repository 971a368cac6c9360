import { decimal, toNumber } from '../../../kernel/decimal.ts';
import { dayText } from '../days.ts';
import type { DatedValue } from '../measures/measure.ts';
import { dailyReturns } from '../measures/returns.ts';
import type { Valuation } from './valuation.ts';

/**
 * The returns between consecutive valuations: of each day but the first, whose end is where the
 * period begins. So n valuations give n - 1 returns, and what happened on the first day is before:
 * a year bought at its first close has the returns of the year, and not one more that is 0. The
 * answer says so (`daily_return_method`).
 */
export function returnsOf(days: readonly Valuation[]): ReturnType<typeof dailyReturns> {
  const [first, ...rest] = days.map(({ day, value, deposits, withdrawals }) => ({
    date: dayText(day),
    value: toNumber(value),
    deposits: toNumber(decimal(deposits)),
    withdrawals: toNumber(decimal(withdrawals)),
  }));
  return dailyReturns(first?.value ?? 0, rest);
}

/**
 * Returns by the days on which a market is open: that of a day on which none is goes into that of
 * the next one on which one is. Otherwise 252 returns would be less than a year. What is behind the
 * last such day is a return of its own, unless nothing changed.
 */
export function bySession(
  returns: readonly DatedValue[],
  days: readonly Valuation[],
): readonly DatedValue[] {
  const sessions = days.filter(({ isSession }) => isSession).map(({ day }) => dayText(day));
  return bySessionDays(returns, new Set(sessions));
}

/** The same, by the days on which one was open (YYYY-MM-DD). */
export function bySessionDays(
  returns: readonly DatedValue[],
  sessions: ReadonlySet<string>,
): readonly DatedValue[] {
  const joined: DatedValue[] = [];
  let growth = 1;
  for (const { date, value } of returns) {
    growth *= 1 + value;
    if (!sessions.has(date)) continue;
    joined.push({ date, value: growth - 1 });
    growth = 1;
  }
  const last = returns.at(-1);
  return growth === 1 || last === undefined
    ? joined
    : [...joined, { date: last.date, value: growth - 1 }];
}
