import { describe, expect, test } from '@jest/globals';
import { TradeSide } from '../../../../src/gen/cipherhorizon/trading/v1/model_pb.ts';
import {
  BeginSignalExecutionCommandSchema as Begin,
  FailSignalCommandSchema as Fail,
} from '../../../../src/gen/cipherhorizon/trading/v1/signal_commands_pb.ts';
import { decimal } from '../../../../src/kernel/decimal.ts';
import { toRecent } from '../../../../src/trading/model/recent-candles.ts';
import { daySeconds, firstDay } from '../../../support/signal-desk.ts';
import {
  bought,
  candles,
  type Fields,
  given,
  id,
  instrumentId,
} from '../../../support/watched-purchase.ts';

describe('a signal', () => {
  test('is settled or fails, and stays so', () => {
    const { when, complete } = given({});
    const name = (events: ReturnType<typeof when>) =>
      typeof events === 'string' ? events : events.map((one) => one.$typeName.split('.').at(-1));
    expect(name(complete())).toBe('SIGNAL_OVER');
    expect(name(when(Begin, { signalId: id }))).toEqual(['SignalExecutionStarted']);
    expect(name(when(Begin, { signalId: id }))).toEqual([]);
    expect(name(complete())).toEqual(['SignalSettled']);
    expect(name(complete())).toEqual([]);
    expect(name(when(Fail, { signalId: id, code: 'X' }))).toEqual([]);
    expect(name(when(Begin, { signalId: id }))).toBe('SIGNAL_OVER');
    const other = given({});
    expect(name(other.when(Fail, { signalId: id, code: 'X' }))).toEqual(['SignalFailed']);
    expect(name(other.when(Fail, { signalId: id, code: 'X' }))).toEqual([]);
    expect(name(other.complete())).toBe('SIGNAL_OVER');
  });

  test('is settled at the average price, with the levels to leave at', () => {
    const { when, complete, fill } = given({ stopLoss: '0.1', takeProfit: '0.2' });
    when(Begin, { signalId: id });
    const second = { ...fill, number: 2, quantity: '1', price: '101' };
    const [settled] = complete([fill, second]) as readonly Fields[];
    expect(settled?.averagePrice).toBe('100.333333333333333333');
    expect(settled?.exits).toMatchObject({
      ...{ stopLoss: '90.2999999999999999997', takeProfit: '120.3999999999999999996' },
      ...{ stopPrice: '90.2999999999999999997', bestPrice: '' },
    });
  });

  test('of a sale, or without levels in the risk profile, is not watched', () => {
    const sale = given({ stopLoss: '0.1' }, TradeSide.SELL);
    sale.when(Begin, { signalId: id });
    const [settled] = sale.complete() as readonly Fields[];
    expect(settled?.exits).toBeUndefined();
    expect(sale.shown(candles(2, [1, 1, 1, 1]))).toEqual([]);
    const bare = bought({ maxDrawdown: '0.5' });
    expect(bare.shown(candles(2, [1, 1, 1, 1]))).toEqual([]);
  });
});

describe('a purchase is left', () => {
  test('at its stop loss, by an order that the candle can fill', () => {
    const { shown } = bought({ stopLoss: '0.1' });
    expect(shown(candles(2, [100, 100, 90.01, 95]))).toEqual([]);
    expect(shown(candles(3, [95, 95, 90, 95]))).toEqual(['2 at 90 (3), behind day 2']);
    expect(shown(candles(4, [50, 50, 50, 50]))).toEqual([]);
  });

  test('at its profit, on the tick', () => {
    const { shown } = bought({ takeProfit: '0.00007' });
    expect(shown(candles(2, [100, 100.009, 100, 100]))).toEqual([]);
    expect(shown(candles(3, [100, 100.01, 100, 100]))).toEqual(['2 at 100.01 (5), behind day 2']);
  });

  test('at what the opening is beyond; at the stop where both are reached later', () => {
    const levels = { stopLoss: '0.1', takeProfit: '0.2' };
    const both = candles(2, [100, 130, 80, 100]);
    expect(bought(levels).shown(both)).toEqual(['2 at 90 (3), behind day 1']);
    const opening = candles(2, [121, 130, 80, 100]);
    expect(bought(levels).shown(opening)).toEqual(['2 at 120 (5), behind day 1']);
  });

  test('at a stop that trails the best price, from a gain on', () => {
    const { shown } = bought({ trailingStopDistance: '0.1', trailingStopOffset: '0.2' });
    expect(shown(candles(2, [100, 119, 80, 100]))).toEqual(['raised to 119']);
    expect(shown(candles(3, [100, 119, 70, 100]))).toEqual([]);
    // The low of the candle with the new best price may have been before it.
    expect(shown(candles(4, [100, 120, 70, 110]))).toEqual(['raised to 120']);
    expect(shown(candles(4, [100, 120, 70, 110]))).toEqual([]);
    expect(shown(candles(5, [110, 110, 108.01, 109]))).toEqual([]);
    expect(shown(candles(6, [109, 130, 108, 120]))).toEqual(['2 at 108 (4), behind day 5']);
  });

  test('by what was recorded since it was bought; its own candle is no reason', () => {
    const one = bought({ stopLoss: '0.1' });
    one.related.candles.recent = candles(1, [100, 100, 50, 100], [95, 95, 80, 90]).map(toRecent);
    expect(one.shown([])).toEqual(['2 at 90 (3), behind day 1']);
    const other = bought({ stopLoss: '0.1' });
    other.related.candles.recent = candles(1, [100, 100, 50, 100]).map(toRecent);
    expect(other.shown([])).toEqual([]);
  });

  test('never, once the position was closed or is too little, whatever was bought after that', () => {
    const gone = bought({ stopLoss: '0.1' });
    gone.portfolio.positions = [];
    expect(gone.shown(candles(2, [50, 50, 50, 50]))).toEqual(['SignalExitsEnded']);
    expect(gone.shown(candles(3, [50, 50, 50, 50]))).toEqual([]);
    const little = bought({ stopLoss: '0.1' });
    little.portfolio.positions = little.portfolio.positions.map((one) => ({
      ...one,
      quantity: decimal('0.009'),
    }));
    expect(little.shown(candles(2, [50, 50, 50, 50]))).toEqual(['SignalExitsEnded']);
    const again = bought({ stopLoss: '0.1' });
    again.portfolio.closings = [{ instrumentId, at: (firstDay + 2 * daySeconds) * 1000 }];
    expect(again.shown(candles(3, [50, 50, 50, 50]))).toEqual(['SignalExitsEnded']);
    const before = bought({ stopLoss: '0.1' });
    before.portfolio.closings = [{ instrumentId, at: firstDay * 1000 }];
    expect(before.shown(candles(3, [50, 50, 50, 50]))).toEqual(['2 at 90 (3), behind day 2']);
  });
});
