import type { Candle } from '../../gen/cipherhorizon/trading/v1/model_pb.ts';
import {
  compare,
  type Decimal,
  decimal,
  isPositive,
  max,
  min,
  toText,
} from '../../kernel/decimal.ts';
import { isRejection, type Rejection, rejectField } from '../../kernel/rejection.ts';

/**
 * The candle as it is stored, its figures in canonical text; or what is wrong with it. A series may
 * be finer than the tick of its instrument: aggregated and adjusted prices are.
 */
export function checkCandle(index: number, candle: Candle): Candle | Rejection {
  const path = `candles[${index}]`;
  const open = priceOf(path, 'open', candle.open);
  if (isRejection(open)) return open;
  const high = priceOf(path, 'high', candle.high);
  if (isRejection(high)) return high;
  const low = priceOf(path, 'low', candle.low);
  if (isRejection(low)) return low;
  const close = priceOf(path, 'close', candle.close);
  if (isRejection(close)) return close;
  if (compare(high, max(max(open, close), low)) < 0) {
    const others = `open ${candle.open}, low ${candle.low} and close ${candle.close}`;
    const message = `${path}.high is ${candle.high}; it has to be at least ${others}`;
    return rejectField('CANDLE_HIGH_INVALID', `${path}.high`, message);
  }
  if (compare(low, min(open, close)) > 0) {
    const others = `open ${candle.open} and close ${candle.close}`;
    const message = `${path}.low is ${candle.low}; it has to be at most ${others}`;
    return rejectField('CANDLE_LOW_INVALID', `${path}.low`, message);
  }
  // Written out, so that no field is forgotten; and `create` is slow for thousands of candles.
  return {
    $typeName: 'cipherhorizon.trading.v1.Candle',
    start: candle.start,
    open: toText(open),
    high: toText(high),
    low: toText(low),
    close: toText(close),
    volume: toText(decimal(candle.volume)),
  };
}

function priceOf(path: string, field: string, text: string): Decimal | Rejection {
  const price = decimal(text);
  if (isPositive(price)) return price;
  const message = `${path}.${field} is ${text}; it has to be over 0`;
  return rejectField('CANDLE_PRICE_NOT_POSITIVE', `${path}.${field}`, message);
}
