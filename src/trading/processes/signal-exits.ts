import { create } from '@bufbuild/protobuf';
import { CandlesRecordedSchema } from '../../gen/cipherhorizon/trading/v1/events_pb.ts';
import type { Candle } from '../../gen/cipherhorizon/trading/v1/model_pb.ts';
import {
  ExecuteExitSignalCommandSchema,
  WatchSignalExitsCommandSchema,
} from '../../gen/cipherhorizon/trading/v1/signal_commands_pb.ts';
import {
  type SignalExitRaised,
  SignalExitRaisedSchema,
  SignalExitReachedSchema,
  SignalExitsEndedSchema,
  type SignalExitsRearmed,
  SignalExitsRearmedSchema,
  type SignalSettled,
  SignalSettledSchema,
} from '../../gen/cipherhorizon/trading/v1/signal_events_pb.ts';
import { compare, decimal } from '../../kernel/decimal.ts';
import {
  closesBy,
  definePolicy,
  opensBy,
  type PolicyDefinition,
  reactsTo,
} from '../../process/kit.ts';
import { exitIdOf } from '../model/exit-id.ts';
import { paperVenuePolicy, seriesKey } from './paper-venue.ts';
import { signalFollowUpPolicy } from './signal-follow-up.ts';

/** Prices, or empty for none. `best`: only where a stop trails it. */
type Exits = {
  readonly portfolioId: string;
  readonly stop: string;
  readonly takeProfit: string;
  readonly best: string;
};

type Watched = SignalSettled | SignalExitRaised | SignalExitsRearmed;

function exitsInterest({ signalId, terms, exits }: Watched) {
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
    opensBy({ event: SignalExitsRearmedSchema, interest: exitsInterest }),
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

/**
 * A level that was reached leads to a signal of its own, at every attempt to one of another id. That
 * the event ends the interest keeps nothing back: what it leads to itself is sent. An exit that leaves
 * something opens it again.
 */
const signalExitPolicy = definePolicy<Record<string, never>>({
  name: 'signal_exit',
  opens: [
    opensBy({
      event: SignalSettledSchema,
      interest: ({ signalId, exits }) =>
        exits === undefined ? undefined : { target: signalId, key: signalId, data: {} },
    }),
    opensBy({
      event: SignalExitsRearmedSchema,
      interest: ({ signalId }) => ({ target: signalId, key: signalId, data: {} }),
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
      command: ({ target }, reached) => {
        const { terms, origin, price, quantity, placedAfter } = reached;
        if (terms === undefined) return undefined;
        const of = { terms, origin, price, quantity, placedAfter, parentSignalId: target };
        const signalId = exitIdOf(reached);
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
