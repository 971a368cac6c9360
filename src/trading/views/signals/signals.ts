import {
  OrderClosedSchema,
  OrderFilledSchema,
  OrderPlacedSchema,
} from '../../../gen/cipherhorizon/trading/v1/order_events_pb.ts';
import {
  type SignalAccepted,
  SignalAcceptedSchema,
  SignalExecutionStartedSchema,
  SignalExitRaisedSchema,
  SignalExitReachedSchema,
  SignalExitsEndedSchema,
  SignalExitsRearmedSchema,
  SignalFailedSchema,
  SignalSettledSchema,
} from '../../../gen/cipherhorizon/trading/v1/signal_events_pb.ts';
import { defineView } from '../../../projection/kit.ts';
import { accepted, changeBy, type SignalChange, type SignalDocument } from './signal-document.ts';

/** Every signal by its id, with what became of its order. */
export const signals = defineView<SignalDocument>({
  name: 'trading_signals',
  version: 2,
  schema: {
    userId: { kind: 'keyword', filter: true },
    strategyId: { kind: 'keyword', filter: true },
    portfolioId: { kind: 'keyword', filter: true },
    instrumentId: { kind: 'keyword', filter: true },
    interval: { kind: 'keyword' },
    side: { kind: 'keyword' },
    status: { kind: 'keyword', filter: true, facet: true },
    origin: { kind: 'keyword' },
    parentSignalId: { kind: 'keyword' },
    quantity: { kind: 'decimal' },
    limitPrice: { kind: 'decimal' },
    stopPrice: { kind: 'decimal' },
    budget: { kind: 'decimal' },
    price: { kind: 'decimal' },
    equity: { kind: 'decimal' },
    orderStatus: { kind: 'keyword' },
    filledQuantity: { kind: 'decimal' },
    averagePrice: { kind: 'decimal' },
    fees: { kind: 'decimal' },
    code: { kind: 'keyword' },
    reason: { kind: 'keyword' },
    exits: { kind: 'json' },
    exitsWatched: { kind: 'boolean' },
    exitAttempts: { kind: 'integer' },
    exitSignalId: { kind: 'keyword' },
    acceptedAt: { kind: 'instant', filter: true, sort: true },
    changedAt: { kind: 'instant' },
  },
  events: [
    SignalAcceptedSchema,
    SignalExecutionStartedSchema,
    SignalSettledSchema,
    SignalFailedSchema,
    SignalExitRaisedSchema,
    SignalExitReachedSchema,
    SignalExitsRearmedSchema,
    SignalExitsEndedSchema,
    OrderPlacedSchema,
    OrderFilledSchema,
    OrderClosedSchema,
  ],
  ids: ({ message }) => [signalIdOf(message as SignalAccepted | SignalChange)],
  project: (document, { message }) => {
    const event = message as SignalAccepted | SignalChange;
    if (event.$typeName === 'cipherhorizon.trading.v1.SignalAccepted') return accepted(event);
    if (document === undefined) throw new Error(`${event.$typeName} on no signal`);
    return { ...document, ...changeBy(event, document) };
  },
});

function signalIdOf(event: SignalAccepted | SignalChange): string {
  if ('signalId' in event) return event.signalId;
  return event.terms?.signalId ?? event.orderId;
}
