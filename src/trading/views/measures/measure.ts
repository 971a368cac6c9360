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
  /** As the daily one, by hours: the end value of the first hour is what the returns start from. */
  hourlyReturn: 'FROM_END_OF_FIRST_HOUR_DEPOSITS_AT_START_WITHDRAWALS_AT_END',
  /** prod(1 + r) - 1 over hourly returns. */
  hourlyTimeWeightedReturn: 'TWR_HOURLY_FROM_END_OF_FIRST_HOUR',
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
  /** V / running maximum - 1 at the end of the period. */
  currentDrawdown: 'BELOW_RUNNING_MAXIMUM_AT_END',
  /** CAGR / |maximum drawdown|. */
  calmar: 'CAGR_OVER_MAXIMUM_DRAWDOWN',
  /** The 5th percentile of the daily returns, linear interpolation. */
  valueAtRisk95: 'HISTORICAL_5TH_PERCENTILE_LINEAR',
  /** The mean of the floor((n - 1) x 0.05) + 1 lowest daily returns. */
  conditionalValueAtRisk95: 'HISTORICAL_MEAN_OF_LOWEST_5_PERCENT',
  /** Covariance with the benchmark's returns / their variance. */
  beta: 'COVARIANCE_OVER_BENCHMARK_VARIANCE',
  /** (1 + mean(excess - beta x benchmark's excess))^A - 1. */
  alpha: 'JENSEN_MEAN_COMPOUNDED_A',
  /** Pearson's, of the returns of the same days. */
  correlation: 'PEARSON_OF_RETURNS',
  /** Sample standard deviation (n - 1) of return - benchmark's return, x sqrt(A). */
  trackingError: 'SAMPLE_STDEV_OF_ACTIVE_RETURN_SQRT_A',
  /** Mean of return - benchmark's return / its sample standard deviation x sqrt(A). */
  informationRatio: 'ACTIVE_RETURN_OVER_TRACKING_ERROR_SQRT_A',
  /** Last close / first close - 1. */
  benchmarkReturn: 'LAST_CLOSE_OVER_FIRST_CLOSE',
  /** Time-weighted return less that of the benchmark over the same days. */
  activeReturn: 'TWR_LESS_TWR_OF_BENCHMARK',
  /**
   * Sum over days of (gain of the asset / capital of the day) x growth until the day: the
   * contributions of all assets add up to the time-weighted return.
   */
  contribution: 'DAILY_GAIN_OVER_CAPITAL_LINKED_BY_GROWTH',
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
  /** No trade was closed. */
  | 'NO_TRADES'
  /** No closed trade gained anything. */
  | 'NO_WINS'
  /** No closed trade lost anything: a ratio to the losses has no meaning. */
  | 'NO_LOSSES'
  /** All returns of the benchmark are equal, or too few to tell. */
  | 'NO_BENCHMARK_VARIANCE'
  /** The returns are those of the benchmark, but for a constant. */
  | 'NO_TRACKING_ERROR'
  /** There is no recorded price of the instrument in the period, or none before its last day. */
  | 'NO_BENCHMARK'
  /** Something that was held has no candles of an hour or less there: its price is that of a day. */
  | 'NO_HOURLY_PRICES'
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
