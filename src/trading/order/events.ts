import { create } from '@bufbuild/protobuf';
import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import {
  type OrderClosed,
  OrderClosedSchema,
  type OrderFilled,
  OrderFilledSchema,
} from '../../gen/cipherhorizon/trading/v1/order_events_pb.ts';
import type { OrderFill, OrderStatus } from '../../gen/cipherhorizon/trading/v1/signal_model_pb.ts';
import { add, type Decimal, decimal, mul, toText } from '../../kernel/decimal.ts';
import type { OpenOrder } from './state.ts';

/** A fill behind those of the order: `candle` is that of the paper venue. */
export function filledEvent(order: OpenOrder, fill: OrderFill, candle: number): OrderFilled {
  const { orderId, signalId, userId, instrumentId } = order.terms;
  return create(OrderFilledSchema, {
    ...{ orderId, signalId, userId, instrumentId, fill },
    filled: toText(add(order.filled, decimal(fill.quantity))),
    spent: toText(add(order.spent, costOf(fill))),
    candle: BigInt(candle),
  });
}

/** Price x quantity and the fee. */
export function costOf({ price, quantity, fee }: OrderFill): Decimal {
  return add(mul(decimal(price), decimal(quantity)), decimal(fee));
}

export function closedEvent(
  order: OpenOrder,
  status: OrderStatus,
  why: { readonly code: string; readonly reason: string },
  nowMs: number,
): OrderClosed {
  const { terms, fills, filled, spent, lastCandle } = order;
  return create(OrderClosedSchema, {
    ...{ orderId: terms.orderId, terms, status, ...why, fills: [...fills] },
    filled: toText(filled),
    spent: toText(spent),
    closedAt: timestampFromMs(nowMs),
    lastCandle: BigInt(lastCandle),
  });
}
