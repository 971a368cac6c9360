import { create, type DescMessage, type MessageInitShape } from '@bufbuild/protobuf';
import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import { describe, expect, test } from '@jest/globals';
import { TradeSide } from '../../../../src/gen/cipherhorizon/trading/v1/model_pb.ts';
import {
  CancelOrderCommandSchema as Cancel,
  CloseOrderCommandSchema as Close,
  MatchOrderCommandSchema as Match,
  PlaceOrderCommandSchema as Place,
  RecordOrderFillCommandSchema as RecordFill,
  RejectOrderCommandSchema as Reject,
} from '../../../../src/gen/cipherhorizon/trading/v1/order_commands_pb.ts';
import {
  OrderStatus,
  type OrderTermsSchema,
} from '../../../../src/gen/cipherhorizon/trading/v1/signal_model_pb.ts';
import { isRejection } from '../../../../src/kernel/rejection.ts';
import { recentCandlesKept, toRecent } from '../../../../src/trading/model/recent-candles.ts';
import { order as untyped } from '../../../../src/trading/order/order.ts';
import { defineDecider } from '../../../../src/write/kit.ts';
import { candleOf, day, daySeconds, firstDay, type Row } from '../../../support/signal-desk.ts';

const order = defineDecider(untyped);
const id = '11111111-2222-4333-8444-555555555555';
const instrumentId = 'BTC-USD';

type Terms = MessageInitShape<typeof OrderTermsSchema>;

const terms: Terms = {
  ...{ orderId: id, signalId: id, userId: 'alice', portfolioId: id, strategyId: id },
  ...{ instrumentId, interval: day, side: TradeSide.BUY, quantity: '2', budget: '1000' },
  ...{ placedAfter: BigInt(firstDay), goodForCandles: 3, venue: 'paper' },
  execution: { feeRate: '0', slippage: '0' },
  ...{ tickSize: '0.01', lotSize: '0.001', minimumOrderSize: '0' },
};

/** Candles from the day behind the signal on. */
const after = (first: number, ...rows: readonly Row[]) =>
  rows.map((row, index) => candleOf(row, first + index));

function given(more: Terms = {}, recent: ReturnType<typeof after> = []) {
  let state = order.initial;
  const when = <Desc extends DescMessage>(schema: Desc, init: MessageInitShape<Desc>) => {
    const context = {
      ...{ id, commandId: id, nowMs: 0, principal: { subject: 'alice', roles: [] } },
      ...{ related: { candles: { recent: recent.map(toRecent) } }, prepared: undefined },
    };
    const decided = order.decide(create(schema, init), state, context);
    if (isRejection(decided)) return decided.code;
    state = decided.reduce(order.evolve, state);
    const json = JSON.parse(JSON.stringify(order.snapshot.toJson(state)));
    expect(order.snapshot.toJson(order.snapshot.fromJson(json))).toEqual(json);
    return decided.map((event) => {
      const { $typeName, ...fields } = event as unknown as {
        readonly $typeName: string;
        readonly fill?: { readonly quantity: string; readonly price: string };
        readonly filled: string;
        readonly spent: string;
        readonly status: OrderStatus;
        readonly code: string;
      };
      const name = $typeName.split('.').at(-1);
      if (fields.fill) return `${name} ${fields.fill.quantity} at ${fields.fill.price}`;
      if (name !== 'OrderClosed') return name;
      return `${name} ${fields.status} ${fields.filled} for ${fields.spent} ${fields.code}`.trim();
    });
  };
  expect(when(Place, { orderId: id, terms: { ...terms, ...more } as never })).toEqual([
    'OrderPlaced',
  ]);
  const shown = (candles: ReturnType<typeof after>) =>
    when(Match, { orderId: id, instrumentId, interval: day, candles });
  return { when, shown };
}

const { FILLED, EXHAUSTED, CANCELLED, REJECTED, EXPIRED } = OrderStatus;

describe('an order at the paper venue', () => {
  test('is filled at the opening of the candle behind the signal', () => {
    const { shown, when } = given();
    expect(shown(after(0, [50, 50, 50, 50]))).toEqual([]);
    const filled = ['OrderFilled 2 at 101', `OrderClosed ${FILLED} 2 for 202`];
    expect(shown(after(1, [101, 110, 90, 105]))).toEqual(filled);
    expect(shown(after(1, [101, 110, 90, 105]))).toEqual([]);
    for (const schema of [Cancel, Reject, Close]) expect(when(schema, { orderId: id })).toEqual([]);
  });

  test('is filled in parts, each candle once and in their order', () => {
    const { shown } = given({ execution: { ...terms.execution, participation: '0.1' } as never });
    const first = after(1, [100, 100, 100, 100, 5]);
    expect(shown(first)).toEqual(['OrderFilled 0.5 at 100']);
    expect(shown(first)).toEqual([]);
    const both = after(1, [100, 100, 100, 100, 5], [90, 90, 90, 90, 7]);
    expect(shown(both)).toEqual(['OrderFilled 0.7 at 90']);
    expect(shown(first)).toEqual([]);
    expect(shown(after(3, [80, 80, 80, 80, 100]))).toEqual([
      'OrderFilled 0.8 at 80',
      `OrderClosed ${FILLED} 2 for 177`,
    ]);
  });

  test('is over when its candles are, with what was filled', () => {
    const { shown } = given({ limitPrice: '50' });
    expect(shown(after(1, [100, 100, 100, 100], [100, 100, 100, 100]))).toEqual([]);
    const end = [`OrderClosed ${EXPIRED} 0 for 0 ORDER_EXPIRED`];
    expect(shown(after(3, [100, 100, 100, 100]))).toEqual(end);
    const late = given({ execution: { ...terms.execution, delayCandles: 2 } as never });
    expect(late.shown(after(1, [1, 1, 1, 1], [2, 2, 2, 2]))).toEqual([]);
    expect(late.shown(after(3, [3, 3, 3, 3]))).toEqual([
      'OrderFilled 2 at 3',
      `OrderClosed ${FILLED} 2 for 6`,
    ]);
  });

  test('costs no more than its budget', () => {
    const { shown } = given({ budget: '150' });
    expect(shown(after(1, [100, 100, 100, 100]))).toEqual([
      'OrderFilled 1.5 at 100',
      `OrderClosed ${EXHAUSTED} 1.5 for 150 BUDGET_EXHAUSTED`,
    ]);
  });

  test('is refused by chance', () => {
    const { shown } = given({ execution: { ...terms.execution, rejectionRate: '1' } as never });
    const end = [`OrderClosed ${REJECTED} 0 for 0 VENUE_REJECTED`];
    expect(shown(after(1, [100, 100, 100, 100]))).toEqual(end);
  });

  test('with a stop waits until it is reached, and is a market order then', () => {
    const { shown } = given({
      ...{ side: TradeSide.SELL, budget: '', stopPrice: '90' },
      execution: { ...terms.execution, participation: '0.1' } as never,
    });
    expect(shown(after(1, [100, 100, 91, 91]))).toEqual([]);
    // There is no room in the candle that reaches it.
    expect(shown(after(2, [91, 91, 89, 89, 0]))).toEqual(['OrderStopReached']);
    expect(shown(after(3, [95, 95, 95, 95]))).toEqual([
      'OrderFilled 2 at 95',
      `OrderClosed ${FILLED} 2 for 190`,
    ]);
  });

  test('is filled by what was recorded before it was placed', () => {
    const recent = after(0, [50, 50, 50, 50], [99, 99, 99, 99]);
    expect(given({}, recent).shown([])).toEqual([
      'OrderFilled 2 at 99',
      `OrderClosed ${FILLED} 2 for 198`,
    ]);
    // Also where the next candle is shown first.
    expect(given({}, recent).shown(after(2, [70, 70, 70, 70]))).toEqual([
      'OrderFilled 2 at 99',
      `OrderClosed ${FILLED} 2 for 198`,
    ]);
    const rows = Array.from({ length: recentCandlesKept }, (): Row => [99, 99, 99, 99]);
    const end = [`OrderClosed ${EXPIRED} 0 for 0 CANDLES_MISSED`];
    expect(given({}, after(2, ...rows)).shown([])).toEqual(end);
  });

  test('is cancelled at once, with what was filled', () => {
    const { shown, when } = given({ execution: { feeRate: '0.1', participation: '0.1' } as never });
    shown(after(1, [100, 100, 100, 100, 5]));
    const end = [`OrderClosed ${CANCELLED} 0.5 for 55.0275 ORDER_CANCELLED`];
    expect(when(Cancel, { orderId: id })).toEqual(end);
    expect(when(Cancel, { orderId: id })).toEqual([]);
  });

  test('takes candles of its own series alone', () => {
    const { when } = given();
    const other = { orderId: id, instrumentId: 'ETH-USD', interval: day };
    expect(when(Match, other)).toBe('CANDLES_OF_OTHER_SERIES');
  });
});

describe('an order at another venue', () => {
  const venue = { venue: 'elsewhere' };
  const executedAt = timestampFromMs((firstDay + daySeconds) * 1000);
  const fill = (number: number, quantity: string, price = '100') => ({
    ...{ orderId: id, fill: { number, quantity, price, fee: '1', executedAt } },
  });

  test('is filled by what the venue tells, each fill once and in order', () => {
    const { when } = given(venue);
    expect(when(RecordFill, fill(2, '1'))).toBe('FILL_OUT_OF_ORDER');
    expect(when(RecordFill, fill(1, '1'))).toEqual(['OrderFilled 1 at 100']);
    expect(when(RecordFill, fill(1, '1'))).toEqual([]);
    expect(when(RecordFill, fill(2, '1.1'))).toBe('FILL_QUANTITY_INVALID');
    expect(when(RecordFill, fill(2, '0'))).toBe('FILL_QUANTITY_INVALID');
    expect(when(RecordFill, fill(2, '1', '1000'))).toBe('FILL_OVER_BUDGET');
    expect(when(Reject, { orderId: id })).toBe('ORDER_HAS_FILLS');
    expect(when(RecordFill, fill(2, '1'))).toEqual([
      'OrderFilled 1 at 100',
      `OrderClosed ${FILLED} 2 for 202`,
    ]);
  });

  test('is asked to be cancelled, and closed by the venue', () => {
    const { when } = given(venue);
    expect(when(Cancel, { orderId: id })).toEqual(['OrderCancelRequested']);
    expect(when(Cancel, { orderId: id })).toEqual([]);
    expect(when(RecordFill, fill(1, '1'))).toEqual(['OrderFilled 1 at 100']);
    const end = [`OrderClosed ${CANCELLED} 1 for 101 ORDER_CANCELLED`];
    expect(when(Close, { orderId: id, status: CANCELLED })).toEqual(end);
  });

  test('is rejected, with why', () => {
    const { when } = given(venue);
    const end = [`OrderClosed ${REJECTED} 0 for 0 MARKET_CLOSED`];
    expect(when(Reject, { orderId: id, code: 'MARKET_CLOSED' })).toEqual(end);
  });

  test('is not matched here', () => {
    const { shown } = given(venue);
    expect(shown(after(1, [100, 100, 100, 100]))).toBe('ORDER_OF_OTHER_VENUE');
  });
});

test('an order that is not there is not found', () => {
  const context = { id, commandId: id, nowMs: 0, principal: { subject: '', roles: [] } };
  const decided = order.decide(create(Cancel, { orderId: id }), order.initial, {
    ...context,
    related: {},
    prepared: undefined,
  });
  expect(isRejection(decided) && decided.code).toBe('ORDER_NOT_FOUND');
});
