import { create } from '@bufbuild/protobuf';
import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import type { MatchOrderCommand } from '../../gen/cipherhorizon/trading/v1/order_commands_pb.ts';
import { OrderStopReachedSchema } from '../../gen/cipherhorizon/trading/v1/order_events_pb.ts';
import {
  type OrderFill,
  OrderFillSchema,
  OrderStatus,
} from '../../gen/cipherhorizon/trading/v1/signal_model_pb.ts';
import { isZero, toText } from '../../kernel/decimal.ts';
import { type Fill, type FillOutcome, fillsOf } from '../model/fills.ts';
import { secondsOf } from '../model/interval.ts';
import { fillModelOf, fillRulesOf, workingOrderOf } from '../model/paper-venue.ts';
import { candlesBehind, type RecentCandles, toFillCandle } from '../model/recent-candles.ts';
import { closedEvent, filledEvent } from './events.ts';
import { evolve, type OpenOrder, type OrderEvent } from './state.ts';

/**
 * The paper venue: what recorded candles do to an order, decided from the order's own state, so that
 * candles which are shown twice, or late, change nothing.
 */
export function matchOrder(
  { candles: shown }: MatchOrderCommand,
  order: OpenOrder,
  recent: RecentCandles,
  nowMs: number,
): readonly OrderEvent[] {
  const candles = candlesBehind(order.lastCandle, shown, recent);
  if (candles === undefined) {
    const reason = 'more candles were recorded since the signal than are remembered';
    return [closedEvent(order, OrderStatus.EXPIRED, { code: 'CANDLES_MISSED', reason }, nowMs)];
  }
  const seconds = secondsOf(order.terms.interval);
  const events: OrderEvent[] = [];
  let state: OpenOrder = order;
  for (const recorded of candles) {
    const candle = toFillCandle(recorded, seconds);
    const working = workingOrderOf(state.terms, state);
    const model = fillModelOf(state.terms);
    const outcome = fillsOf(working, candle, model, fillRulesOf(state.terms));
    for (const event of eventsOf(state, outcome, candle.start)) {
      events.push(event);
      state = evolve(state, event) as OpenOrder;
    }
    const closing = closingOf(state, outcome, candle.start, seconds);
    if (closing === undefined) continue;
    events.push(closedEvent(state, closing.status, closing, nowMs));
    break;
  }
  return events;
}

function eventsOf(
  order: OpenOrder,
  { fills, triggered }: FillOutcome,
  candle: number,
): readonly OrderEvent[] {
  const first = order.fills.length + 1;
  if (fills.length === 0 && triggered && !order.triggered) {
    const { orderId, userId } = order.terms;
    return [create(OrderStopReachedSchema, { orderId, userId, candle: BigInt(candle) })];
  }
  let state = order;
  return fills.map((fill, index) => {
    const event = filledEvent(state, messageOf(fill, first + index), candle);
    state = evolve(state, event) as OpenOrder;
    return event;
  });
}

function messageOf({ quantity, price, fee, at }: Fill, number: number): OrderFill {
  return create(OrderFillSchema, {
    number,
    quantity: toText(quantity),
    price: toText(price),
    fee: toText(fee),
    executedAt: timestampFromMs(at * 1000),
  });
}

type Closing = { readonly status: OrderStatus; readonly code: string; readonly reason: string };

function closingOf(
  { terms, filled }: OpenOrder,
  { status, reason }: FillOutcome,
  candle: number,
  seconds: number,
): Closing | undefined {
  switch (status) {
    case 'FILLED':
      return { status: OrderStatus.FILLED, code: '', reason: '' };
    case 'EXHAUSTED': {
      const sentence = 'the budget buys no more';
      return { status: OrderStatus.EXHAUSTED, code: 'BUDGET_EXHAUSTED', reason: sentence };
    }
    case 'REJECTED': {
      const sentence = 'the venue does not take the order';
      return { status: OrderStatus.REJECTED, code: reason ?? 'VENUE_REJECTED', reason: sentence };
    }
    case 'WAITING':
    case 'OPEN': {
      const { delayCandles = 0 } = terms.execution ?? {};
      const last = Number(terms.placedAfter) + (terms.goodForCandles + delayCandles) * seconds;
      if (candle < last) return undefined;
      const what = isZero(filled) ? 'nothing of it' : `${toText(filled)} of it`;
      const sentence = `${terms.goodForCandles} candles have filled ${what}`;
      return { status: OrderStatus.EXPIRED, code: 'ORDER_EXPIRED', reason: sentence };
    }
  }
}
