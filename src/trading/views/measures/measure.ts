// Statistics of performance. They are doubles, unlike amounts: ratios have no last digit to keep.

/** The definition that a figure follows, named in every answer. */
export const method = {
  /**
   * (end value + withdrawals of the day) / (end value before + deposits of the day) - 1, for each day
   * but the first: its end value is what the returns start from.
   */
  dailyReturn: 'FROM_END_OF_FIRST_DAY_DEPOSITS_AT_START_WITHDRAWALS_AT_END',
  /** prod(1 + r) - 1 over daily returns. */
  timeWeightedReturn: 'TWR_DAILY_FROM_END_OF_FIRST_DAY',
  /**
   * The root r of sum(cf / (1 + r)^(days since the first flow / 365)) = 0, the first flow being the
   * value at the end of the first day.
   */
  moneyWeightedReturn: 'XIRR_ACT_365_FROM_END_OF_FIRST_DAY',
  /** prod(1 + r)^(A / n) - 1. */
  cagr: 'CAGR_A_OVER_N',
  /** Sample standard deviation (n - 1) x sqrt(A). */
  volatility: 'SAMPLE_STDEV_SQRT_A',
  /** Mean excess / sample standard deviation x sqrt(A). */
  sharpe: 'SHARPE_SAMPLE_STDEV_SQRT_A',
  /** Mean excess x A / (sqrt(mean(min(r, 0)^2)) x sqrt(A)), the mean over all n. */
  sortino: 'SORTINO_DOWNSIDE_OVER_ALL_DAYS',
  /** min(V / running maximum - 1), the running maximum starting at the initial value. */
  maximumDrawdown: 'DRAWDOWN_FROM_RUNNING_MAXIMUM',
  /** CAGR / |maximum drawdown|. */
  calmar: 'CAGR_OVER_MAXIMUM_DRAWDOWN',
  /** The 5th percentile of the daily returns, linear interpolation. */
  valueAtRisk95: 'HISTORICAL_5TH_PERCENTILE_LINEAR',
  /** The mean of the floor((n - 1) x 0.05) + 1 lowest daily returns. */
  conditionalValueAtRisk95: 'HISTORICAL_MEAN_OF_LOWEST_5_PERCENT',
} as const;

/** Why a measure has no value. The codes are stable. */
export type UndefinedReason =
  /** There is no daily return in the period. */
  | 'NO_RETURNS'
  /** The sample standard deviation needs two returns. */
  | 'SINGLE_RETURN'
  /** All returns are equal: a ratio to their deviation has no meaning. */
  | 'NO_VARIANCE'
  /** No return is under zero. */
  | 'NO_DOWNSIDE'
  /** The value never fell. */
  | 'NO_DRAWDOWN'
  /** A day gained or lost, and there was no capital over zero to relate it to. */
  | 'NO_CAPITAL'
  /** A return under -100 %: what was left was under zero and cannot be annualised. */
  | 'NEGATIVE_WEALTH'
  /** No flow, or none other than zero. */
  | 'NO_FLOWS'
  /** All flows on one day: no time for a rate. */
  | 'SINGLE_DATE'
  /** Only payments in, or only payments out. */
  | 'NO_SIGN_CHANGE'
  /** No rate makes the present value zero, or only one so extreme that it is not determined. */
  | 'NO_ROOT'
  /** More than two rates do, or they cannot be told apart. */
  | 'SEVERAL_ROOTS'
  /** The result is too large for a double, or an input was no finite number. */
  | 'NOT_FINITE';

export interface UndefinedMeasure {
  readonly method: string;
  readonly undefined: UndefinedReason;
}

export interface MeasureValue {
  readonly method: string;
  readonly value: number;
}

/** A value or the reason why there is none: never zero, infinity or NaN in its stead. */
export type Measure = MeasureValue | UndefinedMeasure;

export function isUndefined(measure: object): measure is UndefinedMeasure {
  return 'undefined' in measure;
}

export function undefinedMeasure(name: string, reason: UndefinedReason): UndefinedMeasure {
  return { method: name, undefined: reason };
}

export function measureOf(name: string, value: number): Measure {
  return Number.isFinite(value) ? { method: name, value } : undefinedMeasure(name, 'NOT_FINITE');
}

/** A value on a day, YYYY-MM-DD. */
export interface DatedValue {
  readonly date: string;
  readonly value: number;
}
