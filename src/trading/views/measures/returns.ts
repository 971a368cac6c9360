import {
  type DatedValue,
  type Measure,
  measureOf,
  method,
  type UndefinedMeasure,
  undefinedMeasure,
} from './measure.ts';

/** A day as it ended, with the outside flows of that day; deposits and withdrawals are >= 0. */
export interface DayValuation {
  /** YYYY-MM-DD */
  readonly date: string;
  readonly value: number;
  readonly deposits: number;
  readonly withdrawals: number;
}

export interface DailyReturns {
  readonly method: string;
  readonly returns: readonly DatedValue[];
}

/**
 * The return of each day, oldest first. Deposits count at the start of their day, withdrawals at
 * its end. A day that began without capital and ended without has no return and is left out.
 *
 * initialValue: the value at the end of the day before the first, 0 where there was none.
 * Undefined: NO_CAPITAL, with the first day that has a value out of nothing.
 */
export function dailyReturns(
  initialValue: number,
  days: readonly DayValuation[],
): DailyReturns | (UndefinedMeasure & { readonly date: string }) {
  const returns: DatedValue[] = [];
  let before = initialValue;
  for (const { date, value, deposits, withdrawals } of days) {
    const start = before + deposits;
    const end = value + withdrawals;
    if (start > 0) returns.push({ date, value: end / start - 1 });
    else if (start < 0 || end !== 0) {
      return { ...undefinedMeasure(method.dailyReturn, 'NO_CAPITAL'), date };
    }
    before = value;
  }
  return { method: method.dailyReturn, returns };
}

function growth(returns: readonly number[]): number {
  return returns.reduce((product, value) => product * (1 + value), 1);
}

/** The time-weighted return over the period, as a fraction: 0.1 is 10 %. Not annualised. */
export function timeWeightedReturn(returns: readonly number[]): Measure {
  const name = method.timeWeightedReturn;
  if (returns.length === 0) return undefinedMeasure(name, 'NO_RETURNS');
  return measureOf(name, growth(returns) - 1);
}

/** What one unit became, day by day; the first is the 1 that it was on the day before. */
export function wealthIndex(startDate: string, returns: readonly DatedValue[]): DatedValue[] {
  let wealth = 1;
  const index = [{ date: startDate, value: wealth }];
  for (const { date, value } of returns) {
    wealth *= 1 + value;
    index.push({ date, value: wealth });
  }
  return index;
}

/**
 * The compound annual growth rate of daily returns.
 *
 * annualisation: days of return in a year, 365 for crypto, 252 for markets that close.
 */
export function cagr(returns: readonly number[], annualisation: number): Measure {
  const name = method.cagr;
  if (returns.length === 0) return undefinedMeasure(name, 'NO_RETURNS');
  const total = growth(returns);
  if (total < 0) return undefinedMeasure(name, 'NEGATIVE_WEALTH');
  return measureOf(name, total ** (annualisation / returns.length) - 1);
}
