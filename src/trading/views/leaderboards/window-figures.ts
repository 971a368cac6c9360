import { add, decimal, sub } from '../../../kernel/decimal.ts';
import { amountText } from '../amounts.ts';
import { dayText } from '../days.ts';
import { maximumDrawdown } from '../measures/drawdown.ts';
import {
  type DatedValue,
  isUndefined,
  type Measure,
  measureOf,
  method,
  type UndefinedReason,
  undefinedMeasure,
} from '../measures/measure.ts';
import { dailyReturns, timeWeightedReturn, wealthIndex } from '../measures/returns.ts';
import { sharpe } from '../measures/risk.ts';
import { bySessionDays } from '../performance/daily.ts';
import type { Closings } from '../portfolios/positions.ts';
import { tradeMethod } from '../statistics/method.ts';
import { type Curve, session, something, thatCloses } from './curve.ts';

export const windows = [7, 30, 90, 180] as const;

export type WindowDays = (typeof windows)[number];

/** How a portfolio did over the last days that are known of it. */
export type WindowFigures = {
  /** The day whose end all starts from, in days since 1970. */
  readonly from: number;
  readonly dailyReturns: number;
  /** Value at the end - value at the start - deposits + withdrawals; a decimal text. */
  readonly profit: string;
  readonly annualisationFactor: number;
  readonly closedTrades: number;
  readonly timeWeightedReturn: Figure;
  readonly maximumDrawdown: Figure;
  readonly sharpe: Figure;
  readonly winRate: Figure;
};

/** A value, or the reason why there is none. */
export type Figure = number | UndefinedReason;

/**
 * The figures of a window, as GetPortfolioPerformance has them of `from` to the last day, and
 * GetPortfolioTradeStatistics, by whole sales, of the days behind `asOf - days`.
 *
 * curve: ends with `asOf`. closings: of all instruments
 */
export function windowFigures(
  curve: Curve,
  closings: readonly Closings[],
  days: WindowDays,
): WindowFigures {
  const end = curve.values.length;
  const first = Math.max(0, end - 1 - days);
  const asOf = curve.from + end - 1;
  const traded = closings.filter(([day]) => day > asOf - days);
  const [closed, wins] = [sum(traded.map((one) => one[1])), sum(traded.map((one) => one[2]))];
  const { winRate } = tradeMethod;
  return {
    from: curve.from + first,
    profit: profitOf(curve, first),
    closedTrades: closed,
    winRate: figure(
      closed === 0 ? undefinedMeasure(winRate, 'NO_TRADES') : measureOf(winRate, wins / closed),
    ),
    ...ratiosOf(curve, first),
  };
}

function ratiosOf(curve: Curve, first: number) {
  const held = curve.flags.slice(first);
  const any = held.some((flags) => (flags & something) !== 0);
  const closes = held.some((flags) => (flags & thatCloses) !== 0);
  const annualisationFactor = any && !closes ? 365 : 252;
  const daily = returnsOf(curve, first);
  if (isUndefined(daily)) {
    const missing = figure(daily);
    return {
      ...{ dailyReturns: 0, annualisationFactor, timeWeightedReturn: missing },
      ...{ maximumDrawdown: missing, sharpe: missing },
    };
  }
  const dated = closes ? bySessionDays(daily.returns, sessionsOf(curve, first)) : daily.returns;
  const returns = dated.map(({ value }: DatedValue) => value);
  return {
    dailyReturns: returns.length,
    annualisationFactor,
    timeWeightedReturn: figure(timeWeightedReturn(returns)),
    maximumDrawdown: figure(maximumDrawdown(wealthIndex(dayName(curve.from + first), dated))),
    sharpe: figure(sharpe(returns, annualisationFactor)),
  };
}

function returnsOf({ from, values, deposits, withdrawals }: Curve, first: number) {
  const days = [];
  for (let at = first + 1; at < values.length; at += 1) {
    days.push({
      date: dayName(from + at),
      value: Number(values[at]),
      deposits: Number(deposits[at]),
      withdrawals: Number(withdrawals[at]),
    });
  }
  return dailyReturns(Number(values[first]), days);
}

function sessionsOf({ from, flags }: Curve, first: number): ReadonlySet<string> {
  const days = new Set<string>();
  for (let at = first; at < flags.length; at += 1) {
    if (((flags[at] ?? 0) & session) !== 0) days.add(dayName(from + at));
  }
  return days;
}

function profitOf({ values, deposits, withdrawals }: Curve, first: number): string {
  let profit = sub(decimal(values.at(-1) ?? '0'), decimal(values[first] ?? '0'));
  for (let at = first + 1; at < values.length; at += 1) {
    const [deposit, withdrawal] = [deposits[at], withdrawals[at]];
    if (deposit !== undefined && deposit !== '0') profit = sub(profit, decimal(deposit));
    if (withdrawal !== undefined && withdrawal !== '0') profit = add(profit, decimal(withdrawal));
  }
  return amountText(profit);
}

const figure = (measure: Measure): Figure =>
  // JSON knows no negative zero.
  isUndefined(measure) ? measure.undefined : measure.value || 0;

const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0);

/** The names of days are asked for again and again: those of a few years. */
const names = new Map<number, string>();
const mostNames = 10_000;

function dayName(day: number): string {
  const known = names.get(day);
  if (known !== undefined) return known;
  if (names.size >= mostNames) names.clear();
  const name = dayText(day);
  names.set(day, name);
  return name;
}

/** The definitions that the figures follow. */
export const figureMethods = {
  timeWeightedReturn: method.timeWeightedReturn,
  maximumDrawdown: method.maximumDrawdown,
  sharpe: method.sharpe,
  winRate: tradeMethod.winRate,
} as const;
