import type { DescMessage, Message } from '@bufbuild/protobuf';
import type { CommandReceipt } from '../gen/cipherhorizon/platform/v1/metadata_pb.ts';
import type { Decider, Tools } from '../kernel/decider.ts';
import { isRejection, type Rejection } from '../kernel/rejection.ts';
import type { Call } from '../kernel/rpc.ts';
import type { BusMetrics, Log } from '../kernel/telemetry.ts';
import { createUpcast, type Upcaster } from '../kernel/upcast.ts';
import type { Validate } from '../kernel/validation.ts';
import { createAggregates } from './aggregates.ts';
import { type Catalogue, type CommandRoute, createCatalogue } from './catalogue.ts';
import { createDecoder, type DecodeEvent } from './codec.ts';
import { createEnvelope, refuseEnvelope } from './envelope.ts';
import type { EventStore } from './event-store.ts';
import { createExecute, type Execute } from './execute.ts';
import type { WriteContext } from './kit.ts';
import {
  authorising,
  compose,
  type Handle,
  logging,
  measuring,
  recordingRefusals,
  tracing,
  validating,
} from './middleware.ts';
import { createRefusalLog } from './refusal-log.ts';
import { createRelatedReader } from './related.ts';
import { createReservations } from './reservations.ts';
import { createSnapshots } from './snapshots.ts';
import { createStateLoader, type StateLoader } from './stored-state.ts';
import { synchronise, waitOf } from './synchronisation.ts';
import { createTurns } from './turns.ts';
import type { ViewPositions } from './views.ts';

export type CommandBusOptions = {
  readonly contexts: readonly WriteContext[];
  readonly store: EventStore;
  readonly views: ViewPositions;
  readonly tools: Tools;
  readonly validate: Validate;
  readonly metrics: BusMetrics;
  readonly log: Log;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  readonly upcasters?: readonly Upcaster[];
  /** A snapshot every so many events of a stream. */
  readonly snapshotEvery: number;
  /** How many aggregates stay in memory. */
  readonly cachedAggregates: number;
  /** Views that every command waits for unless it says otherwise. */
  readonly immediateViews: readonly string[];
  readonly refusalsPerSecond: number;
  readonly refusalsKept: number;
};

export type CommandBus = {
  readonly catalogue: Catalogue;
  readonly execute: (
    route: CommandRoute,
    command: Message,
    call: Call,
  ) => Promise<CommandReceipt | Rejection>;
  readonly loader: StateLoader;
  readonly decoderOf: (decider: Decider) => DecodeEvent;
  /** Waits for what is written in the background: snapshots, refusals. */
  readonly [Symbol.asyncDispose]: () => Promise<void>;
};

/** The way of every command, the same for all: see `compose` below for the order. */
export function createCommandBus(options: CommandBusOptions): CommandBus {
  const { store, now, log, views } = options;
  const catalogue = createCatalogue(options.contexts);
  const unknown = options.immediateViews.find((view) => !views.names.includes(view));
  if (unknown !== undefined) throw new Error(`there is no view '${unknown}' to wait for`);
  const decoderOf = memoised(catalogue, options.upcasters ?? []);
  const deciderOf = (category: string) => catalogue.deciders.get(category);
  const loader = createStateLoader(store, decoderOf);
  const aggregates = createAggregates({ store, loader, now, capacity: options.cachedAggregates });
  const snapshots = createSnapshots({ loader, log, every: options.snapshotEvery });
  const refusals = createRefusalLog({
    store,
    now,
    log,
    perSecond: options.refusalsPerSecond,
    keep: options.refusalsKept,
  });
  const execute = createExecute({
    store,
    aggregates,
    turns: createTurns(),
    reservations: createReservations({ store, loader, deciderOf, now }),
    related: createRelatedReader(aggregates, deciderOf),
    schemasOf: eventSchemas(catalogue),
    onStored: ({ route, stream }, state, revision, events) =>
      snapshots.consider(route.decider, stream, state, revision, events),
  });
  const handle = compose(
    [
      logging(log, now),
      measuring(options.metrics),
      tracing(),
      recordingRefusals(refusals),
      authorising(),
      validating(options.validate),
    ],
    executing(options, execute),
  );
  return {
    catalogue,
    loader,
    decoderOf,
    execute: async (route, command, call) => {
      const envelope = createEnvelope(route.metadataOf(command), call, now());
      const outcome = await handle({ route, command, call, envelope });
      return isRejection(outcome) ? outcome : outcome.receipt;
    },
    [Symbol.asyncDispose]: async () => {
      await snapshots[Symbol.asyncDispose]();
      await refusals[Symbol.asyncDispose]();
    },
  };
}

/** The innermost: de-duplicate, decide, append, with a bounded retry; then wait for views. */
function executing(options: CommandBusOptions, execute: Execute): Handle {
  const { views, tools } = options;
  return async ({ route, command, call, envelope }) => {
    const metadata = route.metadataOf(command);
    const wrong = refuseEnvelope(envelope, metadata, call);
    if (wrong !== undefined) return wrong;
    const wait = waitOf(metadata, views, options.immediateViews);
    if (isRejection(wait)) return wait;
    const id = route.idOf(command, envelope.commandId);
    const stream = route.streamOf(id);
    const prepared = await route.decider.prepare?.(command, tools);
    const outcome = await execute({ route, command, envelope, id, stream, prepared, call });
    if (isRejection(outcome) || wait === undefined) return outcome;
    return synchronise(outcome, wait, views, call.signal);
  };
}

function memoised(
  catalogue: Catalogue,
  upcasters: readonly Upcaster[],
): (decider: Decider) => DecodeEvent {
  const upcast = createUpcast(upcasters);
  const decoders = new Map<string, DecodeEvent>();
  for (const [category, decider] of catalogue.deciders) {
    decoders.set(category, createDecoder(decider, upcast));
  }
  return (decider) => decoders.get(decider.category) ?? createDecoder(decider, upcast);
}

function eventSchemas(
  catalogue: Catalogue,
): (category: string) => ReadonlyMap<string, DescMessage> {
  const none = new Map<string, DescMessage>();
  const byCategory = new Map<string, ReadonlyMap<string, DescMessage>>();
  for (const [category, decider] of catalogue.deciders) {
    byCategory.set(category, new Map(decider.events.map((schema) => [schema.typeName, schema])));
  }
  return (category) => byCategory.get(category) ?? none;
}
