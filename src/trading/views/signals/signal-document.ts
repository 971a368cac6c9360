import { fromJson, type JsonValue, type MessageInitShape, toJson } from '@bufbuild/protobuf';
import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import {
  CandleIntervalSchema,
  TradeSideSchema,
} from '../../../gen/cipherhorizon/trading/v1/model_pb.ts';
import type {
  OrderClosed,
  OrderFilled,
  OrderPlaced,
} from '../../../gen/cipherhorizon/trading/v1/order_events_pb.ts';
import type {
  SignalAccepted,
  SignalExecutionStarted,
  SignalExitRaised,
  SignalExitReached,
  SignalExitsEnded,
  SignalExitsRearmed,
  SignalFailed,
  SignalSettled,
} from '../../../gen/cipherhorizon/trading/v1/signal_events_pb.ts';
import {
  ExitLevelsSchema,
  OrderStatusSchema,
  SignalOriginSchema,
  SignalStatusSchema,
} from '../../../gen/cipherhorizon/trading/v1/signal_model_pb.ts';
import type { SignalSchema } from '../../../gen/cipherhorizon/trading/v1/signal_queries_pb.ts';
import { enumOf, nameOf } from '../enums.ts';
import { millisecondsOf, timeOf } from '../times.ts';

export type SignalDocument = {
  readonly userId: string;
  readonly strategyId: string;
  readonly portfolioId: string;
  readonly instrumentId: string;
  readonly interval: string;
  readonly side: string;
  readonly status: string;
  readonly origin: string;
  readonly parentSignalId?: string;
  readonly quantity: string;
  readonly limitPrice?: string;
  readonly stopPrice?: string;
  readonly budget?: string;
  readonly price: string;
  readonly equity: string;
  readonly orderStatus?: string;
  readonly filledQuantity: string;
  readonly averagePrice?: string;
  readonly fees?: string;
  readonly code?: string;
  readonly reason?: string;
  /** ExitLevels as proto3 JSON. */
  readonly exits?: JsonValue;
  readonly exitsWatched: boolean;
  /** How many times a level was reached; and the last of the sales that followed. */
  readonly exitAttempts?: number;
  readonly exitSignalId?: string;
  readonly acceptedAt: number;
  readonly changedAt: number;
};

export type SignalChange =
  | SignalExecutionStarted
  | SignalSettled
  | SignalFailed
  | SignalExitRaised
  | SignalExitReached
  | SignalExitsRearmed
  | SignalExitsEnded
  | OrderPlaced
  | OrderFilled
  | OrderClosed;

export function accepted(event: SignalAccepted): SignalDocument {
  const { terms, limits, parentSignalId } = event;
  if (terms === undefined || limits === undefined) throw new Error('a signal without its terms');
  const { userId, strategyId, portfolioId, instrumentId, limitPrice, stopPrice, budget } = terms;
  const acceptedAt = timeOf(event.acceptedAt);
  return {
    ...{ userId, strategyId, portfolioId, instrumentId },
    interval: nameOf(CandleIntervalSchema, terms.interval),
    side: nameOf(TradeSideSchema, terms.side),
    status: 'ACCEPTED',
    origin: nameOf(SignalOriginSchema, event.origin),
    ...given({ parentSignalId, limitPrice, stopPrice, budget }),
    quantity: terms.quantity,
    price: limits.price,
    equity: limits.equity,
    filledQuantity: '0',
    exitsWatched: false,
    ...{ acceptedAt, changedAt: acceptedAt },
  };
}

/** The fields that are there: an empty text is "none". */
function given<Fields extends { readonly [name: string]: string }>(
  fields: Fields,
): Partial<Fields> {
  const there = Object.entries(fields).filter(([, value]) => value !== '');
  return Object.fromEntries(there) as Partial<Fields>;
}

export function changeBy(event: SignalChange, before: SignalDocument): Partial<SignalDocument> {
  switch (event.$typeName) {
    case 'cipherhorizon.trading.v1.SignalExecutionStarted':
      return { status: 'EXECUTING', changedAt: timeOf(event.startedAt) };
    case 'cipherhorizon.trading.v1.SignalSettled':
      return settled(event);
    case 'cipherhorizon.trading.v1.SignalFailed': {
      const { code, reason, filledQuantity } = event;
      const changedAt = timeOf(event.failedAt);
      return { status: 'FAILED', ...given({ code, reason }), filledQuantity, changedAt };
    }
    case 'cipherhorizon.trading.v1.SignalExitRaised':
      return event.exits === undefined ? {} : { exits: toJson(ExitLevelsSchema, event.exits) };
    case 'cipherhorizon.trading.v1.SignalExitReached':
      return {
        exitsWatched: false,
        exitAttempts: (before.exitAttempts ?? 0) + 1,
        ...given({ exitSignalId: event.exitSignalId }),
        changedAt: timeOf(event.reachedAt),
      };
    case 'cipherhorizon.trading.v1.SignalExitsRearmed':
      return {
        exitsWatched: true,
        ...(event.exits !== undefined && { exits: toJson(ExitLevelsSchema, event.exits) }),
        changedAt: timeOf(event.rearmedAt),
      };
    case 'cipherhorizon.trading.v1.SignalExitsEnded':
      return { exitsWatched: false, changedAt: timeOf(event.endedAt) };
    case 'cipherhorizon.trading.v1.OrderPlaced':
      return { orderStatus: 'OPEN', changedAt: timeOf(event.placedAt) };
    case 'cipherhorizon.trading.v1.OrderFilled':
      return { filledQuantity: event.filled };
    case 'cipherhorizon.trading.v1.OrderClosed': {
      const { code, reason } = event;
      const orderStatus = nameOf(OrderStatusSchema, event.status);
      const changedAt = Math.max(before.changedAt, timeOf(event.closedAt));
      return { orderStatus, ...given({ code, reason }), filledQuantity: event.filled, changedAt };
    }
  }
}

function settled(event: SignalSettled): Partial<SignalDocument> {
  const { filledQuantity, averagePrice, fees, exits } = event;
  return {
    status: 'SETTLED',
    ...{ filledQuantity, averagePrice, fees },
    ...(exits !== undefined && { exits: toJson(ExitLevelsSchema, exits) }),
    exitsWatched: exits !== undefined,
    changedAt: millisecondsOf(event.settledAt ?? timestampFromMs(0)),
  };
}

export function toSignal(found: {
  readonly id: string;
  readonly document: unknown;
}): MessageInitShape<typeof SignalSchema> {
  const signal = found.document as SignalDocument;
  const { interval, side, status, origin, orderStatus, exits, acceptedAt, changedAt, ...rest } =
    signal;
  return {
    signalId: found.id,
    ...rest,
    interval: enumOf(CandleIntervalSchema, interval),
    side: enumOf(TradeSideSchema, side),
    status: enumOf(SignalStatusSchema, status),
    origin: enumOf(SignalOriginSchema, origin),
    ...(orderStatus !== undefined && { orderStatus: enumOf(OrderStatusSchema, orderStatus) }),
    ...(exits !== undefined && { exits: fromJson(ExitLevelsSchema, exits) }),
    acceptedAt: timestampFromMs(acceptedAt),
    changedAt: timestampFromMs(changedAt),
  };
}
