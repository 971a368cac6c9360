import {
  type DescMessage,
  fromJson,
  type Message,
  type JsonValue as ProtoJson,
} from '@bufbuild/protobuf';
import type { RecordedEvent } from '../kernel/event.ts';
import { createUpcast, type Upcaster } from '../kernel/upcast.ts';
import type { View, ViewEvent } from './kit.ts';

/** An event as the views get it; `problem` says why its data cannot be read. */
export type DecodedEvent = ViewEvent & { readonly problem?: string };

/** Decodes once for all views. An event of a type that none of them names has no message. */
export type Decode = (recorded: RecordedEvent) => DecodedEvent;

export function createDecode(views: readonly View[], upcasters: readonly Upcaster[]): Decode {
  const schemas = new Map<string, DescMessage>();
  for (const { events } of views) {
    if (events !== 'every') for (const schema of events) schemas.set(schema.typeName, schema);
  }
  const upcast = createUpcast(upcasters);
  return (recorded) => {
    let message: Message | undefined;
    try {
      const known = upcast(recorded.type, recorded.data);
      const schema = schemas.get(known.type);
      if (schema === undefined) return { message, recorded };
      message = fromJson(schema, known.data as ProtoJson, { ignoreUnknownFields: true });
      return { message, recorded };
    } catch (error) {
      return { message, recorded, problem: messageOf(error) };
    }
  };
}

/** The stored types that a view wants, with those that are upcast to them; undefined: every type. */
export function storedTypesOf(
  view: View,
  upcasters: readonly Upcaster[],
): ReadonlySet<string> | undefined {
  if (view.events === 'every') return undefined;
  const types = new Set(view.events.map((schema) => schema.typeName));
  for (let found = -1; found !== types.size; ) {
    found = types.size;
    for (const { from, to } of upcasters) if (types.has(to)) types.add(from);
  }
  return types;
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
