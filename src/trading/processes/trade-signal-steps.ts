import { create, fromJson, type JsonValue as ProtoJson } from '@bufbuild/protobuf';
import {
  CancelOrderCommandSchema,
  PlaceOrderCommandSchema,
} from '../../gen/cipherhorizon/trading/v1/order_commands_pb.ts';
import {
  type OrderClosed,
  OrderClosedSchema,
} from '../../gen/cipherhorizon/trading/v1/order_events_pb.ts';
import {
  BeginSignalExecutionCommandSchema,
  CompleteSignalCommandSchema,
  FailSignalCommandSchema,
  ReleaseReservationCommandSchema,
  ReserveForSignalCommandSchema,
  SettleSignalCommandSchema,
} from '../../gen/cipherhorizon/trading/v1/signal_commands_pb.ts';
import {
  OrderTermsSchema,
  ReservationLimitsSchema,
} from '../../gen/cipherhorizon/trading/v1/signal_model_pb.ts';
import type { JsonObject } from '../../kernel/json.ts';
import { completedBy, type ProcessView, type StepDefinition } from '../../process/kit.ts';

// The steps of the process that leads an accepted signal to trades; see trade-signal.ts.

export type TradeSignalData = {
  readonly signalId: string;
  readonly portfolioId: string;
  readonly orderId: string;
  /** OrderTerms and ReservationLimits, as proto3 JSON. */
  readonly terms: JsonObject;
  readonly limits: JsonObject;
  readonly cooldownSeconds: number;
};

type View = ProcessView<TradeSignalData>;

const minuteMs = 60_000;

/** What only our own aggregates have to answer: as long as a store may be away. */
export const ownStepMs = 10 * minuteMs;

export const begin: StepDefinition<TradeSignalData> = {
  name: 'begin',
  timeLimitMs: ownStepMs,
  command: {
    schema: BeginSignalExecutionCommandSchema,
    build: ({ data: { signalId } }) => create(BeginSignalExecutionCommandSchema, { signalId }),
  },
  compensation: {
    schema: FailSignalCommandSchema,
    build: (view) =>
      create(FailSignalCommandSchema, { signalId: view.data.signalId, ...whyFailed(view) }),
  },
};

export const reserve: StepDefinition<TradeSignalData> = {
  name: 'reserve',
  timeLimitMs: ownStepMs,
  command: {
    schema: ReserveForSignalCommandSchema,
    build: ({ data }) =>
      create(ReserveForSignalCommandSchema, {
        portfolioId: data.portfolioId,
        terms: termsOf(data),
        limits: fromJson(ReservationLimitsSchema, data.limits as ProtoJson, lenient),
        cooldownSeconds: data.cooldownSeconds,
      }),
  },
  compensation: {
    schema: ReleaseReservationCommandSchema,
    build: ({ data: { portfolioId, signalId, orderId } }) =>
      create(ReleaseReservationCommandSchema, { portfolioId, signalId, orderId }),
  },
  // Another venue than the paper one may take its time to close an order.
  compensationTimeLimitMs: 60 * minuteMs,
};

export function orderStep(timeLimitMs: number): StepDefinition<TradeSignalData> {
  return {
    name: 'order',
    timeLimitMs,
    command: {
      schema: PlaceOrderCommandSchema,
      build: ({ data }) =>
        create(PlaceOrderCommandSchema, { orderId: data.orderId, terms: termsOf(data) }),
    },
    completedBy: [
      completedBy<typeof OrderClosedSchema, TradeSignalData>({
        event: OrderClosedSchema,
        correlation: { key: ({ orderId }) => orderId, of: ({ data }) => data.orderId },
        fails: ({ fills, code, reason }) =>
          fills.length > 0 ? undefined : { code: code || 'ORDER_NOT_FILLED', message: reason },
      }),
    ],
    compensation: {
      schema: CancelOrderCommandSchema,
      build: ({ data: { orderId } }) => create(CancelOrderCommandSchema, { orderId }),
    },
    compensationTimeLimitMs: ownStepMs,
  };
}

export const settle: StepDefinition<TradeSignalData> = {
  name: 'settle',
  timeLimitMs: ownStepMs,
  command: {
    schema: SettleSignalCommandSchema,
    build: (view) =>
      create(SettleSignalCommandSchema, {
        portfolioId: view.data.portfolioId,
        terms: termsOf(view.data),
        fills: closedOrderOf(view)?.fills ?? [],
      }),
  },
  // What was traded is traded.
  compensation: 'nothing to undo',
};

export const complete: StepDefinition<TradeSignalData> = {
  name: 'complete',
  timeLimitMs: ownStepMs,
  command: {
    schema: CompleteSignalCommandSchema,
    build: (view) => {
      const closed = closedOrderOf(view);
      return create(CompleteSignalCommandSchema, {
        signalId: view.data.signalId,
        orderStatus: closed?.status ?? 0,
        fills: closed?.fills ?? [],
        lastCandle: closed?.lastCandle ?? 0n,
      });
    },
  },
  compensation: 'nothing to undo',
};

const lenient = { ignoreUnknownFields: true };

function termsOf({ terms }: TradeSignalData) {
  return fromJson(OrderTermsSchema, terms as ProtoJson, lenient);
}

function closedOrderOf({ steps }: View): OrderClosed | undefined {
  const { event } = steps.order ?? {};
  if (event?.type !== OrderClosedSchema.typeName) return undefined;
  return fromJson(OrderClosedSchema, event.data as ProtoJson, lenient);
}

const mostOfReason = 2000;

/** Of the steps, one has failed: the others are undone for its sake. */
function whyFailed({ steps }: View): { readonly code: string; readonly reason: string } {
  const failed = Object.values(steps).find(({ refusal }) => refusal !== undefined);
  const { code = 'SIGNAL_CANCELLED', message = 'the process was cancelled' } =
    failed?.refusal ?? {};
  return { code: code.slice(0, 100), reason: message.slice(0, mostOfReason) };
}
