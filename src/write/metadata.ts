import { causationKey, correlationKey } from '../kernel/event.ts';
import type { JsonObject } from '../kernel/json.ts';
import type { Principal } from '../kernel/principal.ts';

/** What is known of a command besides its payload, once it is on its way. */
export type CommandEnvelope = {
  readonly commandId: string;
  readonly correlationId: string;
  readonly causedBy: string;
  readonly traceparent: string | undefined;
  readonly principal: Principal;
  /** Milliseconds since 1970. */
  readonly receivedAt: number;
};

/** Metadata of an event, in the JSON form of cipherhorizon.platform.v1.EventMetadata. */
export function eventMetadata(envelope: CommandEnvelope): JsonObject {
  return {
    [correlationKey]: envelope.correlationId,
    [causationKey]: envelope.commandId,
    receivedAt: new Date(envelope.receivedAt).toISOString(),
    actor: envelope.principal.subject,
    roles: envelope.principal.roles,
    ...(envelope.traceparent === undefined ? {} : { traceparent: envelope.traceparent }),
  };
}

/** That of the first event of a command, which carries the command itself. */
export function firstEventMetadata(
  shared: JsonObject,
  envelope: CommandEnvelope,
  commandType: string,
  payload: JsonObject,
  eventCount: number,
): JsonObject {
  return {
    ...shared,
    commandType,
    command: payload,
    ...(envelope.causedBy === '' ? {} : { causedBy: envelope.causedBy }),
    eventCount,
  };
}
