import { causationKey, correlationKey, type RecordedEvent } from '../../kernel/event.ts';
import { isObject, type JsonObject, type JsonValue } from '../../kernel/json.ts';
import { defineView } from '../../projection/kit.ts';

const refusedType = 'cipherhorizon.platform.v1.CommandRefused';
/** Longer ones are refused for it, and the refusal is here. */
const longestId = 100;

export const accepted = 'ACCEPTED';
export const refused = 'REFUSED';

/**
 * Every command that was accepted, as its first event tells it, and every refusal: each under the id
 * of that event, for an id of a command may be refused, and later accepted, and be sent to several
 * streams.
 */
export const commandLog = defineView({
  name: 'platform_commands',
  version: 1,
  schema: {
    commandId: { kind: 'keyword', filter: true },
    type: { kind: 'keyword', filter: true },
    actor: { kind: 'keyword', filter: true },
    roles: { kind: 'keyword', many: true },
    outcome: { kind: 'keyword', filter: true },
    code: { kind: 'keyword' },
    message: { kind: 'text' },
    stream: { kind: 'keyword', filter: true },
    receivedAt: { kind: 'instant', filter: true, sort: true },
    correlationId: { kind: 'keyword', filter: true },
    payload: { kind: 'json' },
    firstRevision: { kind: 'integer' },
    eventCount: { kind: 'integer' },
    causedBy: { kind: 'keyword' },
  },
  events: 'every',
  // On the path of every event: nothing is looked into but the metadata.
  ids: ({ recorded }) => {
    if (recorded.type === refusedType) return [recorded.id];
    return typeof recorded.metadata.commandType === 'string' ? [recorded.id] : [];
  },
  project: (_document, { recorded }) =>
    recorded.type === refusedType ? ofRefusal(recorded.data) : ofFirstEvent(recorded),
  mayOutliveLog: ({ outcome }) => outcome === refused,
});

function ofFirstEvent({ metadata, stream, revision }: RecordedEvent): JsonObject {
  return {
    ...ofSender(metadata),
    commandId: text(metadata[causationKey]),
    correlationId: text(metadata[correlationKey]),
    outcome: accepted,
    stream,
    firstRevision: revision,
    eventCount: typeof metadata.eventCount === 'number' ? metadata.eventCount : 1,
    ...(text(metadata.causedBy) !== '' && { causedBy: text(metadata.causedBy) }),
  };
}

function ofRefusal(data: JsonObject): JsonObject {
  return {
    ...ofSender(data),
    commandId: text(data.commandId).slice(0, longestId),
    correlationId: text(data.correlationId).slice(0, longestId),
    outcome: refused,
    stream: text(data.stream),
    code: text(data.code),
    message: text(data.message),
  };
}

/** Fields that the metadata of an event and a refusal have under the same names. */
function ofSender(from: JsonObject): JsonObject {
  const receivedAt = Date.parse(text(from.receivedAt));
  return {
    type: text(from.commandType),
    actor: text(from.actor),
    roles: Array.isArray(from.roles) ? from.roles : [],
    ...(!Number.isNaN(receivedAt) && { receivedAt }),
    ...(isObject(from.command) && { payload: from.command }),
  };
}

function text(value: JsonValue | undefined): string {
  return typeof value === 'string' ? value : '';
}
