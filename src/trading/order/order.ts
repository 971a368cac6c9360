import {
  CancelOrderCommandSchema,
  CloseOrderCommandSchema,
  MatchOrderCommandSchema,
  PlaceOrderCommandSchema,
  RecordOrderFillCommandSchema,
  RejectOrderCommandSchema,
} from '../../gen/cipherhorizon/trading/v1/order_commands_pb.ts';
import {
  OrderCancelRequestedSchema,
  OrderClosedSchema,
  OrderFilledSchema,
  OrderPlacedSchema,
  OrderStopReachedSchema,
} from '../../gen/cipherhorizon/trading/v1/order_events_pb.ts';
import type { Decider } from '../../kernel/decider.ts';
import { decide, type OrderCommand, type OrderRelated, related } from './decide.ts';
import { evolve, initial, type OrderEvent, type OrderState, ownerOf, snapshot } from './state.ts';

/** What is at a venue for a signal. */
export const order = {
  category: 'order',
  commands: [
    PlaceOrderCommandSchema,
    CancelOrderCommandSchema,
    MatchOrderCommandSchema,
    RecordOrderFillCommandSchema,
    RejectOrderCommandSchema,
    CloseOrderCommandSchema,
  ],
  events: [
    OrderPlacedSchema,
    OrderFilledSchema,
    OrderStopReachedSchema,
    OrderCancelRequestedSchema,
    OrderClosedSchema,
  ],
  initial,
  evolve,
  decide,
  ownerOf,
  related,
  snapshot,
} satisfies Decider<OrderCommand, OrderEvent, OrderState, OrderRelated>;
