import {
  type DescMessage,
  fromJson,
  type Message,
  type JsonValue as ProtoJson,
  toJson,
} from '@bufbuild/protobuf';
import type { Decider } from '../kernel/decider.ts';
import type { RecordedEvent } from '../kernel/event.ts';
import type { JsonObject } from '../kernel/json.ts';
import type { Upcast } from '../kernel/upcast.ts';
import type { CommandRoute } from './catalogue.ts';

/** The event's message, or undefined for a type that the decider does not know (the platform's). */
export type DecodeEvent = (event: RecordedEvent) => Message | undefined;

/** @throws Error naming stream, revision and type of an event that its schema cannot read. */
export function createDecoder(decider: Decider, upcast: Upcast): DecodeEvent {
  const schemas = new Map(decider.events.map((schema) => [schema.typeName, schema]));
  return (event) => {
    const known = upcast(event.type, event.data);
    const schema = schemas.get(known.type);
    if (schema === undefined) return undefined;
    try {
      return fromJson(schema, known.data as ProtoJson, { ignoreUnknownFields: true });
    } catch (cause) {
      const where = `${event.stream} at revision ${event.revision}`;
      throw new Error(`${where}: ${event.type} cannot be read`, { cause });
    }
  };
}

export function encodeEvent(schemas: ReadonlyMap<string, DescMessage>, event: Message): JsonObject {
  const schema = schemas.get(event.$typeName);
  if (schema === undefined) throw new Error(`${event.$typeName} is no event of this decider`);
  return toJson(schema, event) as JsonObject;
}

/** The payload as it is kept: proto3 JSON without metadata and without sensitive fields. */
export function payloadOf(route: CommandRoute, command: Message): JsonObject {
  const json = toJson(route.schema, command) as { [key: string]: JsonObject[string] };
  for (const name of route.omitted) delete json[name];
  return json;
}
