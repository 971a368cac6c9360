import { create } from '@bufbuild/protobuf';
import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import { TradeSide } from '../../gen/cipherhorizon/trading/v1/model_pb.ts';
import type {
  CancelOrderCommand,
  CloseOrderCommand,
  MatchOrderCommand,
  PlaceOrderCommand,
  RecordOrderFillCommand,
  RejectOrderCommand,
} from '../../gen/cipherhorizon/trading/v1/order_commands_pb.ts';
import {
  OrderCancelRequestedSchema,
  OrderPlacedSchema,
} from '../../gen/cipherhorizon/trading/v1/order_events_pb.ts';
import { OrderStatus } from '../../gen/cipherhorizon/trading/v1/signal_model_pb.ts';
import type { DecisionContext, Relation } from '../../kernel/decider.ts';
import { add, compare, decimal, isPositive, isZero, toText } from '../../kernel/decimal.ts';
import { type Rejection, reject, rejectField, rejectFieldAs } from '../../kernel/rejection.ts';
import { paperVenue } from '../model/paper-venue.ts';
import type { RecentCandles } from '../model/recent-candles.ts';
import { closedEvent, costOf, filledEvent } from './events.ts';
import { matchOrder } from './match.ts';
import { evolve, type OpenOrder, type OrderEvent, type OrderState } from './state.ts';

export type OrderCommand =
  | PlaceOrderCommand
  | CancelOrderCommand
  | MatchOrderCommand
  | RecordOrderFillCommand
  | RejectOrderCommand
  | CloseOrderCommand;

/** The candles that the paper venue fills against: there where they are shown to it. */
export type OrderRelated = { readonly candles?: { readonly recent: RecentCandles } };

/** Why an order is over that was not filled. */
const codes: { readonly [status in OrderStatus]?: string } = {
  [OrderStatus.EXHAUSTED]: 'BUDGET_EXHAUSTED',
  [OrderStatus.CANCELLED]: 'ORDER_CANCELLED',
  [OrderStatus.EXPIRED]: 'ORDER_EXPIRED',
};

type Decision = readonly OrderEvent[] | Rejection;
type Context = DecisionContext<OrderRelated>;

export function related(command: OrderCommand): { readonly [name: string]: Relation } {
  if (command.$typeName !== 'cipherhorizon.trading.v1.MatchOrderCommand') return {};
  const { instrumentId, interval } = command;
  return { candles: { category: 'candles', id: `${instrumentId}:${interval}` } };
}

/** What comes to an order that is closed comes too late, and changes nothing. */
export function decide(command: OrderCommand, state: OrderState, context: Context): Decision {
  if (command.$typeName === 'cipherhorizon.trading.v1.PlaceOrderCommand') {
    return placeOrder(command, state, context);
  }
  if (state.lifecycle === 'absent') {
    return reject('NOT_FOUND', 'ORDER_NOT_FOUND', `there is no order '${context.id}'`);
  }
  if (state.lifecycle === 'closed') return [];
  switch (command.$typeName) {
    case 'cipherhorizon.trading.v1.CancelOrderCommand':
      return cancelOrder(state, context);
    case 'cipherhorizon.trading.v1.MatchOrderCommand':
      return match(command, state, context);
    case 'cipherhorizon.trading.v1.RecordOrderFillCommand':
      return recordFill(command, state, context);
    case 'cipherhorizon.trading.v1.RejectOrderCommand':
      return rejectOrder(command, state, context);
    case 'cipherhorizon.trading.v1.CloseOrderCommand': {
      const { status, reason } = command;
      return [closedEvent(state, status, { code: codes[status] ?? '', reason }, context.nowMs)];
    }
  }
}

function placeOrder(
  { terms }: PlaceOrderCommand,
  state: OrderState,
  { id, nowMs }: Context,
): Decision {
  if (terms === undefined) throw new Error('validated to be there');
  if (state.lifecycle !== 'absent') return [];
  return [create(OrderPlacedSchema, { orderId: id, terms, placedAt: timestampFromMs(nowMs) })];
}

function cancelOrder(order: OpenOrder, { id, nowMs }: Context): Decision {
  const { terms, cancelRequested } = order;
  if (terms.venue === paperVenue) {
    const why = { code: 'ORDER_CANCELLED', reason: 'the order was cancelled' };
    return [closedEvent(order, OrderStatus.CANCELLED, why, nowMs)];
  }
  if (cancelRequested) return [];
  const requestedAt = timestampFromMs(nowMs);
  return [create(OrderCancelRequestedSchema, { orderId: id, terms, requestedAt })];
}

function match(command: MatchOrderCommand, order: OpenOrder, context: Context): Decision {
  const { instrumentId, interval, venue } = order.terms;
  if (venue !== paperVenue) {
    const message = `the order '${context.id}' is at the venue '${venue}', which fills it itself`;
    return reject('PRECONDITION', 'ORDER_OF_OTHER_VENUE', message);
  }
  if (command.instrumentId !== instrumentId || command.interval !== interval) {
    const message = `instrument_id is '${command.instrumentId}'; the order is in '${instrumentId}'`;
    return rejectField('CANDLES_OF_OTHER_SERIES', 'instrument_id', message);
  }
  return matchOrder(command, order, context.related.candles?.recent ?? [], context.nowMs);
}

/** A fill is a fact of the venue, but one that the order does not cover is a fault of its adapter. */
function recordFill(
  { fill }: RecordOrderFillCommand,
  order: OpenOrder,
  { nowMs }: Context,
): Decision {
  if (fill === undefined) throw new Error('validated to be there');
  const next = order.fills.length + 1;
  if (fill.number < next) return [];
  if (fill.number > next) {
    const message = `fill.number is ${fill.number}; ${next} is the next one`;
    return rejectFieldAs('PRECONDITION', 'FILL_OUT_OF_ORDER', 'fill.number', message);
  }
  const quantity = decimal(fill.quantity);
  const filled = add(order.filled, quantity);
  const most = decimal(order.terms.quantity);
  if (isZero(quantity) || compare(filled, most) > 0) {
    const left = `the order has ${toText(order.filled)} of ${toText(most)}`;
    const message = `fill.quantity is ${fill.quantity}; ${left}`;
    return rejectField('FILL_QUANTITY_INVALID', 'fill.quantity', message);
  }
  const refusal = refuseCost(order, costOf(fill));
  if (refusal !== undefined) return refusal;
  const event = filledEvent(order, fill, order.lastCandle);
  if (compare(filled, most) < 0) return [event];
  const state = evolve(order, event) as OpenOrder;
  return [event, closedEvent(state, OrderStatus.FILLED, { code: '', reason: '' }, nowMs)];
}

function refuseCost(
  { spent, terms }: OpenOrder,
  cost: ReturnType<typeof costOf>,
): Rejection | undefined {
  if (terms.side !== TradeSide.BUY || terms.budget === '') return undefined;
  const all = add(spent, cost);
  if (isPositive(all) && compare(all, decimal(terms.budget)) <= 0) return undefined;
  const message = `the fills come to ${toText(all)}; the budget of the order is ${terms.budget}`;
  return rejectField('FILL_OVER_BUDGET', 'fill.price', message);
}

function rejectOrder(
  { code, reason }: RejectOrderCommand,
  order: OpenOrder,
  { id, nowMs }: Context,
): Decision {
  if (order.fills.length > 0) {
    const message = `the order '${id}' has fills: it can be closed, and not rejected`;
    return reject('PRECONDITION', 'ORDER_HAS_FILLS', message);
  }
  const why = { code: code === '' ? 'VENUE_REJECTED' : code, reason };
  return [closedEvent(order, OrderStatus.REJECTED, why, nowMs)];
}
