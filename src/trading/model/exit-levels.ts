import { compare, type Decimal } from '../../kernel/decimal.ts';
import { roundUpToLot } from '../../kernel/precision.ts';
import type { FillCandle, WorkingOrder } from './fills.ts';
import type { Protection, StopReason } from './risk.ts';

// What candles do to the levels that a position is to be left at. The backtest and signals both ask
// here: a level that is reached leads to one sale, and while that is under way to no other.

/** A level that a candle has reached. */
export type LevelReached = {
  readonly reason: StopReason | 'TAKE_PROFIT';
  readonly price: Decimal;
};

/** How many candles the sale waits for fills, those of the delay beside: as long as an order may. */
export const exitGoodForCandles = 10;

/**
 * What the opening is beyond comes first; of what is reached later in one and the same candle nobody
 * knows the order, so it is the stop.
 *
 * @throws RangeError unless the tick is over 0
 */
export function levelReachedBy(
  { open, high, low }: Pick<FillCandle, 'open' | 'high' | 'low'>,
  { stop, takeProfit }: Protection,
  tickSize: Decimal,
): LevelReached | undefined {
  // A sale at a limit gets no less: the next tick that is no lower.
  const limit = takeProfit && roundUpToLot(takeProfit, tickSize);
  const taken = limit && { reason: 'TAKE_PROFIT' as const, price: limit };
  if (stop && compare(open, stop.price) <= 0) return stop;
  if (taken && compare(open, taken.price) >= 0) return taken;
  if (stop && compare(low, stop.price) <= 0) return stop;
  if (taken && compare(high, taken.price) >= 0) return taken;
  return undefined;
}

/**
 * Behind which candle the sale is placed, as the start of it in seconds since 1970: as if it had been
 * at the venue before the candle that has reached the level, so that this one can fill it.
 */
export function exitPlacedAfter(
  { start, seconds }: Pick<FillCandle, 'start' | 'seconds'>,
  delayCandles: number,
): number {
  return Math.max(0, start - (delayCandles + 1) * seconds);
}

/** What the sale asks for: a take profit is a limit, all else a stop. */
export function exitPrices({
  reason,
  price,
}: LevelReached): Pick<WorkingOrder, 'limitPrice' | 'stopPrice'> {
  return reason === 'TAKE_PROFIT' ? { limitPrice: price } : { stopPrice: price };
}
