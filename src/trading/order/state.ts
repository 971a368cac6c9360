import { fromJson, type JsonValue as ProtoJson, toJson } from '@bufbuild/protobuf';
import type {
  OrderCancelRequested,
  OrderClosed,
  OrderFilled,
  OrderPlaced,
  OrderStopReached,
} from '../../gen/cipherhorizon/trading/v1/order_events_pb.ts';
import {
  type OrderFill,
  OrderFillSchema,
  type OrderStatus,
  type OrderTerms,
  OrderTermsSchema,
} from '../../gen/cipherhorizon/trading/v1/signal_model_pb.ts';
import { type Decimal, decimal, toText, zero } from '../../kernel/decimal.ts';
import type { JsonValue } from '../../kernel/json.ts';

export type OrderEvent =
  | OrderPlaced
  | OrderFilled
  | OrderStopReached
  | OrderCancelRequested
  | OrderClosed;

export type OpenOrder = {
  readonly lifecycle: 'open';
  readonly terms: OrderTerms;
  readonly fills: readonly OrderFill[];
  readonly filled: Decimal;
  readonly spent: Decimal;
  /** Its stop was reached. */
  readonly triggered: boolean;
  /** The start of the last candle that changed it: none up to it is looked at again. */
  readonly lastCandle: number;
  readonly cancelRequested: boolean;
};

export type ClosedOrder = {
  readonly lifecycle: 'closed';
  readonly terms: OrderTerms;
  readonly fills: readonly OrderFill[];
  readonly status: OrderStatus;
};

/**
 *     absent --placed--> open --filled, stop reached, cancel requested--> open
 *     open --filled, exhausted, cancelled, rejected, expired--> closed, for ever
 *
 * Moved by the process of its signal (place, cancel) and by its venue (fills and the rest).
 */
export type OrderState = { readonly lifecycle: 'absent' } | OpenOrder | ClosedOrder;

export const initial: OrderState = { lifecycle: 'absent' };

export function evolve(state: OrderState, event: OrderEvent): OrderState {
  switch (event.$typeName) {
    case 'cipherhorizon.trading.v1.OrderPlaced':
      return placed(event);
    case 'cipherhorizon.trading.v1.OrderFilled': {
      const order = open(state, event);
      return {
        ...order,
        fills: event.fill === undefined ? order.fills : [...order.fills, event.fill],
        filled: decimal(event.filled),
        spent: decimal(event.spent),
        triggered: true,
        lastCandle: Math.max(order.lastCandle, Number(event.candle)),
      };
    }
    case 'cipherhorizon.trading.v1.OrderStopReached':
      return { ...open(state, event), triggered: true, lastCandle: Number(event.candle) };
    case 'cipherhorizon.trading.v1.OrderCancelRequested':
      return { ...open(state, event), cancelRequested: true };
    case 'cipherhorizon.trading.v1.OrderClosed': {
      const { terms, fills } = open(state, event);
      return { lifecycle: 'closed', terms, fills, status: event.status };
    }
  }
}

function placed({ terms }: OrderPlaced): OpenOrder {
  if (terms === undefined) throw new Error('an order without terms');
  return {
    lifecycle: 'open',
    terms,
    fills: [],
    filled: zero,
    spent: zero,
    triggered: terms.stopPrice === '',
    lastCandle: Number(terms.placedAfter),
    cancelRequested: false,
  };
}

function open(state: OrderState, event: OrderEvent): OpenOrder {
  if (state.lifecycle === 'open') return state;
  throw new Error(`${event.$typeName} on an order that is ${state.lifecycle}`);
}

export function ownerOf(state: OrderState): string | undefined {
  return state.lifecycle === 'absent' ? undefined : state.terms.userId;
}

type StoredJson = {
  readonly lifecycle: 'open' | 'closed';
  readonly terms: ProtoJson;
  readonly fills: readonly ProtoJson[];
  readonly status: number;
  readonly filled: string;
  readonly spent: string;
  readonly triggered: boolean;
  readonly lastCandle: number;
  readonly cancelRequested: boolean;
};

export const snapshot = {
  version: 1,
  toJson: (state: OrderState): JsonValue => {
    if (state.lifecycle === 'absent') return state;
    const common = {
      terms: toJson(OrderTermsSchema, state.terms) as JsonValue,
      fills: state.fills.map((fill) => toJson(OrderFillSchema, fill) as JsonValue),
    };
    if (state.lifecycle === 'closed') return { ...state, ...common };
    return {
      ...state,
      ...common,
      filled: toText(state.filled),
      spent: toText(state.spent),
    };
  },
  fromJson: (json: JsonValue): OrderState => {
    const state = json as { readonly lifecycle: 'absent' } | StoredJson;
    if (state.lifecycle === 'absent') return initial;
    const terms = fromJson(OrderTermsSchema, state.terms);
    const fills = state.fills.map((fill) => fromJson(OrderFillSchema, fill));
    if (state.lifecycle === 'closed') {
      return { lifecycle: 'closed', terms, fills, status: state.status as OrderStatus };
    }
    const { triggered, lastCandle, cancelRequested } = state;
    return {
      ...{ lifecycle: 'open', terms, fills, triggered, lastCandle, cancelRequested },
      filled: decimal(state.filled),
      spent: decimal(state.spent),
    };
  },
};
