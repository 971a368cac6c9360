import { create } from '@bufbuild/protobuf';
import { CandlesRecordedSchema } from '../../gen/cipherhorizon/trading/v1/events_pb.ts';
import { MatchOrderCommandSchema } from '../../gen/cipherhorizon/trading/v1/order_commands_pb.ts';
import { OrderPlacedSchema } from '../../gen/cipherhorizon/trading/v1/order_events_pb.ts';
import {
  ExecuteExitSignalCommandSchema,
  WatchSignalExitsCommandSchema,
} from '../../gen/cipherhorizon/trading/v1/signal_commands_pb.ts';
import {
  SignalAcceptedSchema,
  SignalExitReachedSchema,
  SignalExitsEndedSchema,
  SignalFailedSchema,
  SignalSettledSchema,
} from '../../gen/cipherhorizon/trading/v1/signal_events_pb.ts';
import { deriveUuid } from '../../kernel/derived-id.ts';
import { closesBy, definePolicy, opensBy, reactsTo } from '../../process/kit.ts';
import { paperVenue } from '../model/paper-venue.ts';
import { seriesKey } from './paper-venue.ts';

type Exits = { readonly portfolioId: string };

/** Shows recorded candles to settled purchases that are to be left at a level. */
export const signalExitsPolicy = definePolicy<Exits>({
  name: 'signal_exits',
  opens: [
    opensBy({
      event: SignalSettledSchema,
      interest: ({ signalId, terms, exits }) => {
        if (exits === undefined || terms === undefined) return undefined;
        const { instrumentId, interval, portfolioId } = terms;
        const key = seriesKey(instrumentId, interval);
        return { target: signalId, key, data: { portfolioId } };
      },
    }),
  ],
  closes: [
    closesBy({ event: SignalExitReachedSchema, target: ({ signalId }) => signalId }),
    closesBy({ event: SignalExitsEndedSchema, target: ({ signalId }) => signalId }),
  ],
  on: [
    reactsTo({
      event: CandlesRecordedSchema,
      key: ({ instrumentId, interval }) => seriesKey(instrumentId, interval),
      command: ({ target: signalId, data }, { instrumentId, interval, candles }) => ({
        schema: WatchSignalExitsCommandSchema,
        build: () =>
          create(WatchSignalExitsCommandSchema, {
            ...{ signalId, instrumentId, interval, candles },
            portfolioId: data.portfolioId,
          }),
      }),
    }),
  ],
  actsAs: ({ actor }) => ({ subject: actor, roles: ['process'] }),
});

/**
 * What follows from the events of one signal. Candles that were recorded between the signal and its
 * order, or between the order and the settlement, went to nobody: they are looked at now. A level
 * that was reached leads to a signal of its own.
 */
export const signalFollowUpPolicy = definePolicy<Record<string, never>>({
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
      command: ({ target: signalId }, { terms, exits }) => {
        if (terms === undefined || exits === undefined) return undefined;
        const { instrumentId, interval, portfolioId } = terms;
        const of = { signalId, instrumentId, interval, portfolioId };
        return {
          schema: WatchSignalExitsCommandSchema,
          build: () => create(WatchSignalExitsCommandSchema, of),
        };
      },
    }),
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
  actsAs: ({ actor }) => ({ subject: actor, roles: ['process', 'venue'] }),
});
