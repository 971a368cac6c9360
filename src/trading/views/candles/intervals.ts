import { CandleInterval } from '../../../gen/cipherhorizon/trading/v1/model_pb.ts';
import { dayText, monthText, secondsPerDay, startOf, yearOf } from '../days.ts';

/** How the candles of an interval are laid out in documents: each has those of one period. */
export type Interval = {
  readonly name: string;
  readonly seconds: number;
  readonly period: 'year' | 'month' | 'day';
};

const intervals: ReadonlyMap<CandleInterval, Interval> = new Map([
  [CandleInterval.CANDLE_INTERVAL_1M, { name: '1M', seconds: 60, period: 'day' }],
  [CandleInterval.CANDLE_INTERVAL_5M, { name: '5M', seconds: 300, period: 'day' }],
  [CandleInterval.CANDLE_INTERVAL_15M, { name: '15M', seconds: 900, period: 'day' }],
  [CandleInterval.CANDLE_INTERVAL_1H, { name: '1H', seconds: 3600, period: 'month' }],
  [CandleInterval.CANDLE_INTERVAL_4H, { name: '4H', seconds: 14_400, period: 'month' }],
  [CandleInterval.CANDLE_INTERVAL_1D, { name: '1D', seconds: secondsPerDay, period: 'year' }],
]);

/** @throws RangeError for a number that is no interval */
export function intervalOf(interval: CandleInterval): Interval {
  const found = intervals.get(interval);
  if (found === undefined) throw new RangeError(`there are no candles of the interval ${interval}`);
  return found;
}

/** How documents are cut: all that is asked here of an interval. */
export type Periods = Pick<Interval, 'period'>;

/** The first day of the period that a time (in seconds since 1970) is in. */
export function periodOf({ period }: Periods, seconds: number): number {
  return startOf(period, Math.floor(seconds / secondsPerDay));
}

const longest = { year: 366, month: 31, day: 1 };

/** The first day of the period behind the one that begins with the day. */
export function periodAfter({ period }: Periods, first: number): number {
  return startOf(period, first + longest[period]);
}

/** "2016", "2016-01" or "2016-01-31". */
export function periodText({ period }: Periods, first: number): string {
  switch (period) {
    case 'year':
      return String(yearOf(first)).padStart(4, '0');
    case 'month':
      return monthText(first);
    case 'day':
      return dayText(first);
  }
}
