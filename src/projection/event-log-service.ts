import { create } from '@bufbuild/protobuf';
import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import {
  EventLogService,
  type ReadEventsRequest,
  ReadEventsRequestSchema,
  ReadEventsResponseSchema,
} from '../gen/cipherhorizon/platform/v1/operations_pb.ts';
import { accessOf, authorise } from '../kernel/access.ts';
import type { RecordedEvent } from '../kernel/event.ts';
import type { JsonObject } from '../kernel/json.ts';
import { type Position, start } from '../kernel/position.ts';
import { type Rejection, rejectField } from '../kernel/rejection.ts';
import type { Call, RpcService } from '../kernel/rpc.ts';
import { fromToken, toToken } from '../kernel/token.ts';
import type { Validate } from '../kernel/validation.ts';
import type { EventSource } from './event-source.ts';
import type { Redact } from './redaction.ts';

/** Serves the log itself to operators. */
export function createEventLogService(
  source: EventSource,
  validate: Validate,
  redact: Redact,
): RpcService {
  const method = EventLogService.method.readEvents;
  const access = accessOf(method);
  return {
    service: EventLogService,
    handlers: [
      {
        kind: 'server_streaming',
        method,
        handle: async function* (message, call) {
          const refused =
            authorise(method, access, call.principal) ?? validate(ReadEventsRequestSchema, message);
          if (refused !== undefined) return yield refused;
          const request = message as ReadEventsRequest;
          const after = fromToken(request.after);
          const wrong = refuseRequest(request, after);
          if (wrong !== undefined) return yield wrong;
          for await (const event of eventsOf(source, request, after ?? start, call)) {
            yield toResponse(event, redact);
          }
        },
      },
    ],
  };
}

function refuseRequest(
  { stream, backwards, follow, after: token }: ReadEventsRequest,
  after: Position | undefined,
): Rejection | undefined {
  if (after === undefined) return rejectField('TOKEN_INVALID', 'after', `'${token}' is no token`);
  if (stream !== '' && token !== '') {
    return rejectField('OPTIONS_EXCLUDE_EACH_OTHER', 'after', 'a stream is read from its start');
  }
  if (follow && backwards) {
    return rejectField('OPTIONS_EXCLUDE_EACH_OTHER', 'follow', 'backwards there are none to come');
  }
  return undefined;
}

async function* eventsOf(
  source: EventSource,
  request: ReadEventsRequest,
  after: Position,
  call: Call,
): AsyncGenerator<RecordedEvent> {
  const { stream, limit } = request;
  const types = new Set(request.types);
  let sent = 0;
  for await (const event of readOf(source, request, after, call)) {
    if (stream !== '' && event.stream !== stream) continue;
    if (types.size > 0 && !types.has(event.type)) continue;
    yield event;
    sent += 1;
    if (limit > 0 && sent >= limit) return;
  }
}

async function* readOf(
  source: EventSource,
  { stream, types, backwards, follow }: ReadEventsRequest,
  after: Position,
  { signal }: Call,
): AsyncGenerator<RecordedEvent> {
  if (stream !== '' && !follow && !backwards) return yield* source.readStream(stream);
  const byStream = stream === '' ? undefined : { filter: { streamPrefixes: [stream] } };
  const byType = types.length === 0 ? {} : { filter: { types } };
  const filter = byStream ?? byType;
  const bounds = backwards ? {} : { after };
  const batches = follow
    ? source.subscribe({ ...filter, after, signal })
    : source.readAll({
        ...filter,
        ...bounds,
        signal,
        direction: backwards ? 'backwards' : 'forwards',
      });
  for await (const { events } of batches) yield* events;
}

function toResponse(event: RecordedEvent, redact: Redact) {
  const { id, type, stream, revision, position, storedAt, data, metadata } = event;
  return create(ReadEventsResponseSchema, {
    event: {
      eventId: id,
      type,
      stream,
      revision: BigInt(revision),
      position: toToken(position),
      storedAt: timestampFromMs(storedAt),
      data: redact(type, data) as JsonObject & { [key: string]: never },
      metadata: metadata as JsonObject & { [key: string]: never },
    },
  });
}
