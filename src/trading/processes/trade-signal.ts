import { create, fromJson, type JsonValue as ProtoJson, toJson } from '@bufbuild/protobuf';
import { CandleInterval } from '../../gen/cipherhorizon/trading/v1/model_pb.ts';
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
import { SignalAcceptedSchema } from '../../gen/cipherhorizon/trading/v1/signal_events_pb.ts';
import {
  OrderTermsSchema,
  ReservationLimitsSchema,
} from '../../gen/cipherhorizon/trading/v1/signal_model_pb.ts';
import type { JsonObject } from '../../kernel/json.ts';
import {
  completedBy,
  defineProcess,
  type ProcessDefinition,
  type ProcessView,
  type StepDefinition,
  startedBy,
} from '../../process/kit.ts';
import { secondsOf } from '../model/interval.ts';

// From an accepted signal to trades in the portfolio:
//
//     begin --> reserve --> order --> settle --> complete
//
// `order` waits for the venue to close the order, and fails where nothing of it was filled. What turns
// back cancels the order, records what it was filled with until then, frees the rest of the
// reservation, and tells the signal why it has failed.

type Data = {
  readonly signalId: string;
  readonly portfolioId: string;
  readonly orderId: string;
  /** OrderTerms and ReservationLimits, as proto3 JSON. */
  readonly terms: JsonObject;
  readonly limits: JsonObject;
  readonly cooldownSeconds: number;
};

type View = ProcessView<Data>;

const minuteMs = 60_000;

/** What only our own aggregates have to answer: as long as a store may be away. */
const ownStepMs = 10 * minuteMs;

/** Longer than the longest an order is good for: its candles, its delay, and some that come late. */
const longestOrderCandles = 20;

const names: readonly (readonly [CandleInterval, string])[] = [
  [CandleInterval.CANDLE_INTERVAL_1M, '1m'],
  [CandleInterval.CANDLE_INTERVAL_5M, '5m'],
  [CandleInterval.CANDLE_INTERVAL_15M, '15m'],
  [CandleInterval.CANDLE_INTERVAL_1H, '1h'],
  [CandleInterval.CANDLE_INTERVAL_4H, '4h'],
  [CandleInterval.CANDLE_INTERVAL_1D, '1d'],
];

/** One for each interval of candles: an order on daily candles may wait longer than one on minutes. */
export const tradeSignals: readonly ProcessDefinition[] = names.map(([interval, name]) =>
  tradeSignalOn(interval, `trade_signal_${name}`),
);

function tradeSignalOn(interval: CandleInterval, name: string): ProcessDefinition {
  const orderMs = longestOrderCandles * secondsOf(interval) * 1000 + ownStepMs;
  return defineProcess<Data>({
    name,
    version: 1,
    starts: [
      startedBy({
        event: SignalAcceptedSchema,
        key: ({ signalId }) => signalId,
        data: ({ signalId, terms, limits, riskProfile }) => {
          if (terms === undefined || limits === undefined) return undefined;
          if (terms.interval !== interval) return undefined;
          const { portfolioId, orderId } = terms;
          return {
            ...{ signalId, portfolioId, orderId },
            terms: toJson(OrderTermsSchema, terms) as JsonObject,
            limits: toJson(ReservationLimitsSchema, limits) as JsonObject,
            cooldownSeconds: riskProfile?.cooldownSeconds ?? 0,
          };
        },
      }),
    ],
    timeLimitMs: orderMs + 4 * ownStepMs,
    actsAs: ({ actor }) => ({ subject: actor, roles: ['process'] }),
    steps: [begin, reserve, orderStep(orderMs), settle, complete],
  });
}

const begin: StepDefinition<Data> = {
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

const reserve: StepDefinition<Data> = {
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

function orderStep(timeLimitMs: number): StepDefinition<Data> {
  return {
    name: 'order',
    timeLimitMs,
    command: {
      schema: PlaceOrderCommandSchema,
      build: ({ data }) =>
        create(PlaceOrderCommandSchema, { orderId: data.orderId, terms: termsOf(data) }),
    },
    completedBy: [
      completedBy<typeof OrderClosedSchema, Data>({
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

const settle: StepDefinition<Data> = {
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

const complete: StepDefinition<Data> = {
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

function termsOf({ terms }: Data) {
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
