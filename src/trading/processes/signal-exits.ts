import { create } from '@bufbuild/protobuf';
import { CandlesRecordedSchema } from '../../gen/cipherhorizon/trading/v1/events_pb.ts';
import type { Candle } from '../../gen/cipherhorizon/trading/v1/model_pb.ts';
import { MatchOrderCommandSchema } from '../../gen/cipherhorizon/trading/v1/order_commands_pb.ts';
import { OrderPlacedSchema } from '../../gen/cipherhorizon/trading/v1/order_events_pb.ts';
import {
  ExecuteExitSignalCommandSchema,
  WatchSignalExitsCommandSchema,
} from '../../gen/cipherhorizon/trading/v1/signal_commands_pb.ts';
import {
  SignalAcceptedSchema,
  type SignalExitRaised,
  SignalExitRaisedSchema,
  SignalExitReachedSchema,
  SignalExitsEndedSchema,
  SignalFailedSchema,
  type SignalSettled,
  SignalSettledSchema,
} from '../../gen/cipherhorizon/trading/v1/signal_events_pb.ts';
import { compare, decimal } from '../../kernel/decimal.ts';
import { deriveUuid } from '../../kernel/derived-id.ts';
import {
  closesBy,
  definePolicy,
  opensBy,
  type PolicyDefinition,
  reactsTo,
} from '../../process/kit.ts';
import { paperVenue } from '../model/paper-venue.ts';
import { paperVenuePolicy, seriesKey } from './paper-venue.ts';

/** Prices, or empty for none. `best`: only where a stop trails it. */
type Exits = {
  readonly portfolioId: string;
  readonly stop: string;
  readonly takeProfit: string;
  readonly best: string;
};

function exitsInterest({ signalId, terms, exits }: SignalSettled | SignalExitRaised) {
  if (exits === undefined || terms === undefined) return undefined;
  const { instrumentId, interval, portfolioId } = terms;
  const { stopPrice: stop, takeProfit, bestPrice: best } = exits;
  const key = seriesKey(instrumentId, interval);
  return { target: signalId, key, data: { portfolioId, stop, takeProfit, best } };
}

/** Most candles concern most purchases in nothing: those are spared a command. */
function concerns({ stop, takeProfit, best }: Exits, { low, high }: Candle): boolean {
  return (
    (stop !== '' && compare(decimal(low), decimal(stop)) <= 0) ||
    (takeProfit !== '' && compare(decimal(high), decimal(takeProfit)) >= 0) ||
    (best !== '' && compare(decimal(high), decimal(best)) > 0)
  );
}

/** Shows recorded candles to settled purchases that they may make leave their position. */
const signalExitsPolicy = definePolicy<Exits>({
  name: 'signal_exits',
  opens: [
    opensBy({ event: SignalSettledSchema, interest: exitsInterest }),
    opensBy({ event: SignalExitRaisedSchema, interest: exitsInterest }),
  ],
  closes: [
    closesBy({ event: SignalExitReachedSchema, target: ({ signalId }) => signalId }),
    closesBy({ event: SignalExitsEndedSchema, target: ({ signalId }) => signalId }),
  ],
  on: [
    reactsTo({
      event: CandlesRecordedSchema,
      key: ({ instrumentId, interval }) => seriesKey(instrumentId, interval),
      command: ({ target: signalId, data }, { instrumentId, interval, candles }) => {
        if (!candles.some((candle) => concerns(data, candle))) return undefined;
        const { portfolioId } = data;
        const of = { signalId, instrumentId, interval, candles, portfolioId };
        return {
          schema: WatchSignalExitsCommandSchema,
          build: () => create(WatchSignalExitsCommandSchema, of),
        };
      },
    }),
  ],
  actsAs: ({ actor }) => ({ subject: actor, roles: ['process'] }),
});

/** Looks at what was recorded while the levels were others, or none. */
function watchNow({ signalId, terms, exits }: SignalSettled | SignalExitRaised) {
  if (terms === undefined || exits === undefined) return undefined;
  const { instrumentId, interval, portfolioId } = terms;
  const of = { signalId, instrumentId, interval, portfolioId };
  return {
    schema: WatchSignalExitsCommandSchema,
    build: () => create(WatchSignalExitsCommandSchema, of),
  };
}

/**
 * What follows from the events of one signal. Candles that were recorded between the signal and its
 * order, or between the order and the settlement, went to nobody: they are looked at now.
 */
const signalFollowUpPolicy = definePolicy<Record<string, never>>({
  name: 'signal_follow_up',
  opens: [
    opensBy({
      event: SignalAcceptedSchema,
      interest: ({ signalId }) => ({ target: signalId, key: signalId, data: {} }),
    }),
  ],
  closes: [
    closesBy({
      event: SignalSettledSchema,
      target: ({ signalId, exits }) => (exits === undefined ? signalId : undefined),
    }),
    closesBy({ event: SignalFailedSchema, target: ({ signalId }) => signalId }),
    closesBy({ event: SignalExitReachedSchema, target: ({ signalId }) => signalId }),
    closesBy({ event: SignalExitsEndedSchema, target: ({ signalId }) => signalId }),
  ],
  on: [
    reactsTo({
      event: OrderPlacedSchema,
      key: ({ terms }) => terms?.signalId,
      command: (_interest, { orderId, terms }) => {
        if (terms?.venue !== paperVenue) return undefined;
        const { instrumentId, interval } = terms;
        return {
          schema: MatchOrderCommandSchema,
          build: () => create(MatchOrderCommandSchema, { orderId, instrumentId, interval }),
        };
      },
    }),
    reactsTo({
      event: SignalSettledSchema,
      key: ({ signalId }) => signalId,
      command: (_interest, settled) => watchNow(settled),
    }),
    reactsTo({
      event: SignalExitRaisedSchema,
      key: ({ signalId }) => signalId,
      command: (_interest, raised) => watchNow(raised),
    }),
  ],
  actsAs: ({ actor }) => ({ subject: actor, roles: ['process', 'venue'] }),
});

/**
 * A level that was reached leads to a signal of its own. A policy of its own, too: what ends its
 * interest is what it reacts to, and nothing else may wait for its turn then.
 */
const signalExitPolicy = definePolicy<Record<string, never>>({
  name: 'signal_exit',
  opens: [
    opensBy({
      event: SignalSettledSchema,
      interest: ({ signalId, exits }) =>
        exits === undefined ? undefined : { target: signalId, key: signalId, data: {} },
    }),
  ],
  closes: [
    closesBy({ event: SignalExitReachedSchema, target: ({ signalId }) => signalId }),
    closesBy({ event: SignalExitsEndedSchema, target: ({ signalId }) => signalId }),
  ],
  on: [
    reactsTo({
      event: SignalExitReachedSchema,
      key: ({ signalId }) => signalId,
      command: ({ target }, { terms, origin, price, quantity, placedAfter }) => {
        if (terms === undefined) return undefined;
        const of = { terms, origin, price, quantity, placedAfter, parentSignalId: target };
        const signalId = deriveUuid(target, 'exit');
        return {
          schema: ExecuteExitSignalCommandSchema,
          build: () => create(ExecuteExitSignalCommandSchema, { signalId, ...of }),
        };
      },
    }),
  ],
  actsAs: ({ actor }) => ({ subject: actor, roles: ['process'] }),
});

/** All that leads signals through, beside their process. */
export const signalPolicies: readonly PolicyDefinition[] = [
  paperVenuePolicy,
  signalExitsPolicy,
  signalFollowUpPolicy,
  signalExitPolicy,
];
