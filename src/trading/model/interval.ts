import { CandleInterval } from '../../gen/cipherhorizon/trading/v1/model_pb.ts';

const seconds: ReadonlyMap<CandleInterval, number> = new Map([
  [CandleInterval.CANDLE_INTERVAL_1M, 60],
  [CandleInterval.CANDLE_INTERVAL_5M, 300],
  [CandleInterval.CANDLE_INTERVAL_15M, 900],
  [CandleInterval.CANDLE_INTERVAL_1H, 3600],
  [CandleInterval.CANDLE_INTERVAL_4H, 14_400],
  [CandleInterval.CANDLE_INTERVAL_1D, 86_400],
]);

/**
 * The seconds from one start to the next.
 *
 * @throws RangeError for a number that is no interval
 */
export function secondsOf(interval: CandleInterval): number {
  const found = seconds.get(interval);
  if (found === undefined) throw new RangeError(`there are no candles of the interval ${interval}`);
  return found;
}
