import {
  type LeaderboardFilter,
  LeaderboardMeasure,
  type LeaderboardRange,
  LeaderboardWindow,
  type ListLeaderboardQuery,
} from '../../../gen/cipherhorizon/trading/v1/leaderboards_pb.ts';
import { add, compare, decimal, maxFractionDigits, toText } from '../../../kernel/decimal.ts';
import { isRejection, type Rejection, rejectField } from '../../../kernel/rejection.ts';
import { dayOf } from '../days.ts';
import type { Condition } from '../reading.ts';
import { decimalOfDouble } from './double-text.ts';
import { type RankedBy, rankField } from './standings.ts';
import type { WindowDays } from './window-figures.ts';

/** What of a query says which standings it is about. */
export type Asked = {
  readonly window: WindowDays;
  readonly by: RankedBy;
  /** What the filter demands. */
  readonly filter: readonly Condition[];
  /** Of the filter: one currency. */
  readonly currency: readonly Condition[];
  /** The measure that is sorted by is defined. */
  readonly isRanked: Condition;
};

const windowDays: { readonly [window: number]: WindowDays } = {
  [LeaderboardWindow.LEADERBOARD_WINDOW_7_DAYS]: 7,
  [LeaderboardWindow.LEADERBOARD_WINDOW_30_DAYS]: 30,
  [LeaderboardWindow.LEADERBOARD_WINDOW_90_DAYS]: 90,
  [LeaderboardWindow.LEADERBOARD_WINDOW_180_DAYS]: 180,
};

const measures: { readonly [measure: number]: RankedBy } = {
  [LeaderboardMeasure.RETURN]: 'return',
  [LeaderboardMeasure.PROFIT]: 'profit',
  [LeaderboardMeasure.MAXIMUM_DRAWDOWN]: 'drawdown',
  [LeaderboardMeasure.SHARPE]: 'sharpe',
  [LeaderboardMeasure.WIN_RATE]: 'winRate',
};

/** Below every figure that there is. */
const lowest = `-1${'0'.repeat(23)}`;
/** Ranges end before their end; no figure is between one and one with this added. */
const smallest = decimal(`0.${'0'.repeat(maxFractionDigits - 1)}1`);

/** For a range that has the figure before its end, or begins behind it. */
export function justAbove(figure: string): string {
  return toText(add(decimal(figure), smallest));
}

export function askedOf(query: ListLeaderboardQuery): Asked | Rejection {
  const { sort, filter } = query;
  const window = windowDays[query.window] ?? 30;
  const by = measures[sort] ?? 'return';
  const currency = filter?.baseCurrency ?? '';
  if (currency === '' && (by === 'profit' || filter?.profit !== undefined)) {
    const message = 'profits of several currencies are not compared: filter.base_currency is empty';
    return rejectField('CURRENCY_NEEDED', 'filter.base_currency', message);
  }
  const conditions = filter === undefined ? [] : conditionsOf(filter, window);
  if (isRejection(conditions)) return conditions;
  return {
    ...{ window, by, filter: conditions },
    currency: currency === '' ? [] : [{ field: 'currency', in: [currency] }],
    isRanked: { field: rankField(by, window), from: lowest },
  };
}

function conditionsOf(filter: LeaderboardFilter, window: WindowDays): Condition[] | Rejection {
  const conditions: Condition[] = [];
  const { timeWeightedReturn, profit, maximumDrawdown, sharpe, winRate } = filter;
  const ranges = [
    ['time_weighted_return', 'return', textsOf(timeWeightedReturn)],
    ['profit', 'profit', profit],
    ['maximum_drawdown', 'drawdown', textsOf(maximumDrawdown)],
    ['sharpe', 'sharpe', textsOf(sharpe)],
    ['win_rate', 'winRate', textsOf(winRate)],
  ] as const;
  for (const [path, by, range] of ranges) {
    if (range?.min === undefined && range?.max === undefined) continue;
    const { min, max } = range;
    if (min !== undefined && max !== undefined && compare(decimal(min), decimal(max)) > 0) {
      const field = `filter.${path}.min`;
      return rejectField('RANGE_INVALID', field, `${field} is ${min}, over max, which is ${max}`);
    }
    conditions.push({
      field: rankField(by, window),
      ...(min !== undefined && { from: min }),
      ...(max !== undefined && { until: justAbove(max) }),
    });
  }
  if (filter.minDailyReturns > 0) {
    conditions.push({ field: rankField('days', window), from: filter.minDailyReturns });
  }
  if (filter.asOfFrom !== '') {
    const day = dayOf(filter.asOfFrom);
    if (day === undefined) {
      const message = `filter.as_of_from is '${filter.asOfFrom}', a day that does not exist`;
      return rejectField('PERIOD_INVALID', 'filter.as_of_from', message);
    }
    conditions.push({ field: 'asOf', from: day });
  }
  return conditions;
}

function textsOf(range: LeaderboardRange | undefined) {
  if (range === undefined) return undefined;
  const text = (value: number | undefined) =>
    value === undefined ? undefined : boundedText(value);
  return { min: text(range.min), max: text(range.max) };
}

/** No figure has more than 23 digits before the point. */
const furthest = 1e23;

function boundedText(value: number): string {
  return decimalOfDouble(Math.min(Math.max(value, -furthest), furthest));
}
