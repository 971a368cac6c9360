import {
  create,
  type DescMessage,
  fromJson,
  type JsonObject as ProtoObject,
} from '@bufbuild/protobuf';
import {
  CommandReplayService,
  type ReplayCommandRequest,
  ReplayCommandRequestSchema,
  type ReplayCommandResponse,
  ReplayCommandResponseSchema,
} from '../gen/cipherhorizon/platform/v1/operations_pb.ts';
import { accessOf, authorise } from '../kernel/access.ts';
import type { Decider } from '../kernel/decider.ts';
import type { RecordedEvent } from '../kernel/event.ts';
import type { JsonObject } from '../kernel/json.ts';
import { isAfter, type Position } from '../kernel/position.ts';
import { isRejection, type Rejection, reject } from '../kernel/rejection.ts';
import type { RpcService } from '../kernel/rpc.ts';
import { idOf } from '../kernel/stream-name.ts';
import type { Validate } from '../kernel/validation.ts';
import type { CommandRoute } from './catalogue.ts';
import { encodeEvent } from './codec.ts';
import type { CommandBus } from './command-bus.ts';
import type { EventStore } from './event-store.ts';
import { relatedStates } from './related.ts';

/** Serves `ReplayCommand`: what an accepted command decides on the state that it met. */
export function createReplayService(
  bus: CommandBus,
  store: EventStore,
  validate: Validate,
): RpcService {
  const method = CommandReplayService.method.replayCommand;
  const access = accessOf(method);
  return {
    service: CommandReplayService,
    handlers: [
      {
        kind: 'unary',
        method,
        handle: async (request, call) =>
          authorise(method, access, call.principal) ??
          validate(ReplayCommandRequestSchema, request) ??
          replayCommand(bus, store, request as ReplayCommandRequest),
      },
    ],
  };
}

async function replayCommand(
  bus: CommandBus,
  store: EventStore,
  { stream, commandId }: ReplayCommandRequest,
): Promise<ReplayCommandResponse | Rejection> {
  const recorded = await store.findByCausation(stream, commandId.toLowerCase());
  const first = recorded[0];
  const route = bus.catalogue.routes.get(String(first?.metadata.commandType));
  if (first === undefined || route === undefined) {
    const message = `no command '${commandId}' was accepted on '${stream}'`;
    return reject('NOT_FOUND', 'COMMAND_NOT_FOUND', message);
  }
  if (route.hasSecrets) {
    const message = `${route.schema.name} has a sensitive field, which is not kept`;
    return reject('PRECONDITION', 'REPLAY_NEEDS_SECRET', message);
  }
  const state = await stateBefore(bus, store, route.decider, stream, first.position);
  const decided = await decideAgain(bus, store, route, first, state);
  const { metadata, revision } = first;
  const { snapshot } = route.decider;
  const shared = {
    type: route.schema.typeName,
    payload: metadata.command as ProtoObject,
    revision: BigInt(revision - 1),
    state: { state: snapshot.toJson(state) } as ProtoObject,
    recorded: recorded.map(({ type, data }) => ({ type, data: data as ProtoObject })),
  };
  if (isRejection(decided)) {
    const { code: refusalCode, message: refusalMessage } = decided;
    return create(ReplayCommandResponseSchema, { ...shared, refusalCode, refusalMessage });
  }
  return create(ReplayCommandResponseSchema, {
    ...shared,
    decided: decided.map(({ type, data }) => ({ type, data: data as ProtoObject })),
    same: sameEvents(recorded, decided),
  });
}

type Plain = { readonly type: string; readonly data: JsonObject };

function sameEvents(recorded: readonly RecordedEvent[], decided: readonly Plain[]): boolean {
  const plain = (events: readonly Plain[]) =>
    JSON.stringify(events.map(({ type, data }) => [type, data]));
  const effective = recorded.filter((event) => !event.type.endsWith('.NothingChanged'));
  return plain(effective) === plain(decided);
}

/** By the stream's events that the log has before the position. */
async function stateBefore(
  bus: CommandBus,
  store: EventStore,
  decider: Decider,
  stream: string,
  position: Position,
): Promise<unknown> {
  const decode = bus.decoderOf(decider);
  let state = decider.initial;
  for await (const event of store.read(stream)) {
    if (!isAfter(position, event.position)) break;
    const message = decode(event);
    if (message !== undefined) state = decider.evolve(state, message);
  }
  return state;
}

async function decideAgain(
  bus: CommandBus,
  store: EventStore,
  route: CommandRoute,
  first: RecordedEvent,
  state: unknown,
): Promise<readonly Plain[] | Rejection> {
  const { decider, schema } = route;
  const { metadata, position, stream } = first;
  const command = fromJson(schema, metadata.command as ProtoObject, { ignoreUnknownFields: true });
  const related = await relatedStates(
    decider,
    command,
    (category) => bus.catalogue.deciders.get(category),
    (other, name) => stateBefore(bus, store, other, name, position),
  );
  const decided = decider.decide(command, state, {
    id: idOf(stream),
    commandId: String(metadata.$causationId),
    nowMs: Date.parse(String(metadata.receivedAt)),
    principal: { subject: String(metadata.actor), roles: metadata.roles as readonly string[] },
    related,
    prepared: undefined,
  });
  if (isRejection(decided)) return decided;
  const schemas = new Map<string, DescMessage>(decider.events.map((e) => [e.typeName, e]));
  return decided.map((event) => ({
    type: event.$typeName,
    data: encodeEvent(schemas, event),
  }));
}
