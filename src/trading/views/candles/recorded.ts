import type { CandlesRecorded } from '../../../gen/cipherhorizon/trading/v1/events_pb.ts';
import type { Candle } from '../../../gen/cipherhorizon/trading/v1/model_pb.ts';
import { secondsPerDay } from '../days.ts';
import { type Periods, periodAfter, periodOf } from './intervals.ts';

// The candles of an event, by the periods of documents. They come in the order of time, and there
// may be thousands.

/** The first days of the periods that the candles are in. */
export function periodsOf({ candles }: CandlesRecorded, cut: Periods): readonly number[] {
  const periods: number[] = [];
  let end = Number.NEGATIVE_INFINITY;
  for (const { start } of candles) {
    const seconds = Number(start);
    if (seconds < end) continue;
    const period = periodOf(cut, seconds);
    periods.push(period);
    end = periodAfter(cut, period) * secondsPerDay;
  }
  return periods;
}

/** Those within the period that begins with a day. */
export function candlesWithin(
  { candles }: CandlesRecorded,
  cut: Periods,
  period: number,
): readonly Candle[] {
  return candles.slice(indexFrom(candles, period), indexFrom(candles, periodAfter(cut, period)));
}

/** The index of the first candle of the day or later. */
function indexFrom(candles: readonly Candle[], day: number): number {
  const seconds = BigInt(day * secondsPerDay);
  let low = 0;
  let high = candles.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((candles[middle]?.start ?? 0n) < seconds) low = middle + 1;
    else high = middle;
  }
  return low;
}
