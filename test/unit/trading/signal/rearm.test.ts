import { create } from '@bufbuild/protobuf';
import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import { describe, expect, test } from '@jest/globals';
import {
  OrderFillSchema,
  OrderStatus,
} from '../../../../src/gen/cipherhorizon/trading/v1/signal_model_pb.ts';
import { decimal } from '../../../../src/kernel/decimal.ts';
import { deriveUuid } from '../../../../src/kernel/derived-id.ts';
import { exitIdAt } from '../../../../src/trading/model/exit-id.ts';
import { toRecent } from '../../../../src/trading/model/recent-candles.ts';
import type { SignalOrder } from '../../../../src/trading/signal/related.ts';
import { daySeconds, firstDay } from '../../../support/signal-desk.ts';
import { bought, candles, id, instrumentId } from '../../../support/watched-purchase.ts';

const [first, second] = [exitIdAt(id, 1), exitIdAt(id, 2)];
const stopped = candles(3, [95, 95, 89, 89]);

/** A stop loss at 90, reached on day 3. */
function left(risk = {}, venue = 'paper') {
  const purchase = bought({ stopLoss: '0.1', ...risk }, venue);
  purchase.related.candles.recent = stopped.map(toRecent);
  expect(purchase.shown(stopped)).toEqual(['2 at 90 (3), behind day 2']);
  return purchase;
}

/** The order of the exit, as it was closed; with a fill at the end of a day, if any. */
function closed(status: OrderStatus, filledOn?: number): SignalOrder {
  const executedAt = timestampFromMs((firstDay + (filledOn ?? 0) * daySeconds + daySeconds) * 1000);
  const fill = create(OrderFillSchema, { number: 1, quantity: '1', price: '90', executedAt });
  return { lifecycle: 'closed', fills: filledOn === undefined ? [] : [fill], status };
}

describe('an exit that is over', () => {
  test('and has sold nothing leaves all of it watched again, with the same levels', () => {
    const purchase = left();
    expect(purchase.rearmed(first, '0')).toEqual(['2 watched behind day 3, stop 90 (1)']);
    // The candle that was reached before is no reason, and none that is over the level.
    expect(purchase.shown(stopped)).toEqual([]);
    expect(purchase.shown(candles(4, [91, 95, 91, 91]))).toEqual([]);
    expect(purchase.shown(candles(5, [85, 86, 84, 85]))).toEqual(['2 at 90 (3), behind day 4']);
  });

  test('leads to another one with an id of its own, and only while it is under way', () => {
    const purchase = left();
    expect(first).toBe(deriveUuid(id, 'exit'));
    expect(purchase.rearmed(second, '0')).toEqual([]);
    expect(purchase.rearmed(first, '0')).toHaveLength(1);
    expect(purchase.rearmed(first, '0')).toEqual([]);
    const watch = candles(4, [80, 80, 80, 80]);
    expect(purchase.shown(watch)).toHaveLength(1);
    expect(purchase.shown(watch)).toEqual([]);
    expect(purchase.rearmed(first, '2')).toEqual([]);
    expect(purchase.rearmed(second, '0')).toEqual(['2 watched behind day 4, stop 90 (2)']);
  });

  test('and has sold a part leaves the rest watched', () => {
    const purchase = left();
    purchase.portfolio.positions = [
      { instrumentId, quantity: decimal('0.8'), price: decimal('100') },
    ];
    expect(purchase.rearmed(first, '1.2')).toEqual(['0.8 watched behind day 3, stop 90 (1)']);
    const reached = purchase.shown(candles(4, [80, 80, 80, 80]));
    expect(reached).toEqual(['0.8 at 90 (3), behind day 3']);
    // What others have sold of it is not its own any more.
    const other = left();
    other.portfolio.positions = [{ instrumentId, quantity: decimal('0.5'), price: decimal('100') }];
    expect(other.rearmed(first, '1.2')).toEqual(['0.5 watched behind day 3, stop 90 (1)']);
  });

  test('and has sold all, or all but too little, or what others have sold, ends it', () => {
    expect(left().rearmed(first, '2')).toEqual(['SignalExitsEnded']);
    expect(left().rearmed(first, '1.995')).toEqual(['SignalExitsEnded']);
    const sold = left();
    sold.portfolio.positions = [];
    expect(sold.rearmed(first, '0')).toEqual(['SignalExitsEnded']);
    expect(sold.rearmed(first, '0')).toEqual([]);
    expect(sold.shown(candles(4, [80, 80, 80, 80]))).toEqual([]);
  });

  test('is over with the candle that its order was over with', () => {
    const later = candles(4, ...Array.from({ length: 20 }, () => [80, 80, 80, 80] as const));
    const overWith = (order: SignalOrder | undefined, venue = 'paper') => {
      const purchase = left({}, venue);
      purchase.related.candles.recent = [...stopped, ...later].map(toRecent);
      purchase.related.order = order;
      return purchase.rearmed(first, '0');
    };
    const behind = (day: number) => [`2 watched behind day ${day}, stop 90 (1)`];
    expect(overWith(closed(OrderStatus.REJECTED))).toEqual(behind(3));
    // Good for ten candles, of which the one that has reached the level is the first.
    expect(overWith(closed(OrderStatus.EXPIRED))).toEqual(behind(12));
    expect(overWith(closed(OrderStatus.EXPIRED, 5))).toEqual(behind(12));
    expect(overWith(closed(OrderStatus.CANCELLED))).toEqual(behind(3));
    expect(overWith(closed(OrderStatus.CANCELLED, 6))).toEqual(behind(6));
    expect(overWith(closed(OrderStatus.FILLED, 3))).toEqual(behind(3));
    expect(overWith(undefined)).toEqual(behind(3));
    expect(overWith(closed(OrderStatus.REJECTED), 'other')).toEqual(behind(23));
  });

  test('has the stop behind the best price until then', () => {
    const purchase = left({ trailingStopDistance: '0.2' });
    const meanwhile = candles(3, [95, 95, 89, 89], [89, 150, 89, 140]);
    purchase.related.candles.recent = meanwhile.map(toRecent);
    purchase.related.order = closed(OrderStatus.CANCELLED, 4);
    expect(purchase.rearmed(first, '0')).toEqual(['2 watched behind day 4, stop 120 (1)']);
    expect(purchase.shown(candles(5, [125, 125, 120, 122]))).toEqual([
      '2 at 120 (4), behind day 4',
    ]);
  });
});
