import { causationKey, correlationKey, type RecordedEvent } from '../../kernel/event.ts';
import type { JsonObject, JsonValue } from '../../kernel/json.ts';
import { defineView } from '../../projection/kit.ts';

const refusedType = 'cipherhorizon.platform.v1.CommandRefused';
const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;
/** Longer ones are refused for it, and the refusal is here. */
const longestCorrelationId = 100;

export const accepted = 'ACCEPTED';
export const refused = 'REFUSED';

/**
 * Every command by its id: of an accepted one what its first event says of it, of a refused one its
 * refusal. Once accepted, it stays so: what else is sent under the same id is a repeat, or refused.
 * A refused command whose id is none stands under the id of its refusal.
 */
export const commandLog = defineView({
  name: 'platform_commands',
  version: 1,
  schema: {
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
    if (recorded.type === refusedType) return [refusedId(recorded)];
    const { commandType, [causationKey]: commandId } = recorded.metadata;
    return typeof commandType === 'string' && typeof commandId === 'string' ? [commandId] : [];
  },
  project: (document, { recorded }) => {
    if (document?.outcome === accepted) return document;
    return recorded.type === refusedType ? ofRefusal(recorded.data) : ofFirstEvent(recorded);
  },
});

function refusedId({ id, data }: RecordedEvent): string {
  const commandId = text(data.commandId);
  return uuid.test(commandId) ? commandId : id;
}

function ofFirstEvent({ metadata, stream, revision }: RecordedEvent): JsonObject {
  return {
    ...ofSender(metadata),
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
    correlationId: text(data.correlationId).slice(0, longestCorrelationId),
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

export function isObject(value: JsonValue | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
