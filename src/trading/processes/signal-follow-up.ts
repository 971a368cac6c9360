import { create } from '@bufbuild/protobuf';
import type { CandleInterval } from '../../gen/cipherhorizon/trading/v1/model_pb.ts';
import { MatchOrderCommandSchema } from '../../gen/cipherhorizon/trading/v1/order_commands_pb.ts';
import { OrderPlacedSchema } from '../../gen/cipherhorizon/trading/v1/order_events_pb.ts';
import {
  RearmSignalExitsCommandSchema,
  WatchSignalExitsCommandSchema,
} from '../../gen/cipherhorizon/trading/v1/signal_commands_pb.ts';
import {
  SignalAcceptedSchema,
  type SignalExitRaised,
  SignalExitRaisedSchema,
  SignalExitsEndedSchema,
  type SignalExitsRearmed,
  SignalExitsRearmedSchema,
  type SignalFailed,
  SignalFailedSchema,
  type SignalSettled,
  SignalSettledSchema,
} from '../../gen/cipherhorizon/trading/v1/signal_events_pb.ts';
import { closesBy, definePolicy, opensBy, reactsTo } from '../../process/kit.ts';
import { paperVenue } from '../model/paper-venue.ts';

/** Of an exit: the purchase that it leaves. */
type Parent = {
  readonly signalId: string;
  readonly portfolioId: string;
  readonly instrumentId: string;
  readonly interval: CandleInterval;
};

type FollowedUp = { readonly parent: Parent | null };

/** Looks at what was recorded while the levels were others, or none. */
function watchNow({
  signalId,
  terms,
  exits,
}: SignalSettled | SignalExitRaised | SignalExitsRearmed) {
  if (terms === undefined || exits === undefined) return undefined;
  const { instrumentId, interval, portfolioId } = terms;
  const of = { signalId, instrumentId, interval, portfolioId };
  return {
    schema: WatchSignalExitsCommandSchema,
    build: () => create(WatchSignalExitsCommandSchema, of),
  };
}

/** Tells the purchase that its exit is over. */
function rearm(parent: Parent, { signalId, filledQuantity }: SignalSettled | SignalFailed) {
  const of = { ...parent, exitSignalId: signalId, filledQuantity };
  return {
    schema: RearmSignalExitsCommandSchema,
    build: () => create(RearmSignalExitsCommandSchema, of),
  };
}

/**
 * What follows from the events of one signal. Candles that were recorded between the signal and its
 * order, between the order and the settlement, or while an exit was under way that is over now, went
 * to nobody: they are looked at.
 *
 * A purchase with levels stays of interest until it says that there is nothing left of it.
 */
export const signalFollowUpPolicy = definePolicy<FollowedUp>({
  name: 'signal_follow_up',
  opens: [
    opensBy({
      event: SignalAcceptedSchema,
      interest: ({ signalId, parentSignalId, terms }) => {
        const isExit = parentSignalId !== '' && terms !== undefined;
        const parent = isExit
          ? {
              signalId: parentSignalId,
              portfolioId: terms.portfolioId,
              instrumentId: terms.instrumentId,
              interval: terms.interval,
            }
          : null;
        return { target: signalId, key: signalId, data: { parent } };
      },
    }),
  ],
  closes: [
    closesBy({
      event: SignalSettledSchema,
      target: ({ signalId, exits }) => (exits === undefined ? signalId : undefined),
    }),
    closesBy({ event: SignalFailedSchema, target: ({ signalId }) => signalId }),
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
      command: ({ data: { parent } }, settled) =>
        parent === null ? watchNow(settled) : rearm(parent, settled),
    }),
    reactsTo({
      event: SignalFailedSchema,
      key: ({ signalId }) => signalId,
      command: ({ data: { parent } }, failed) =>
        parent === null ? undefined : rearm(parent, failed),
    }),
    reactsTo({
      event: SignalExitRaisedSchema,
      key: ({ signalId }) => signalId,
      command: (_interest, raised) => watchNow(raised),
    }),
    reactsTo({
      event: SignalExitsRearmedSchema,
      key: ({ signalId }) => signalId,
      command: (_interest, rearmed) => watchNow(rearmed),
    }),
  ],
  actsAs: ({ actor }) => ({ subject: actor, roles: ['process', 'venue'] }),
});
