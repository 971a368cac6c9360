import type { DescField, Message } from '@bufbuild/protobuf';
import type { QueryRoute } from './catalogue.ts';
import { freshnessOf } from './freshness.ts';
import type { Answered } from './middleware.ts';

// Messages of proto3 are plain objects: they can be read by name, and copied with one field changed.

/** The value of a field that a route has found. */
export function fieldValue(message: Message, field: DescField | undefined): unknown {
  if (field === undefined) return undefined;
  return (message as unknown as { [name: string]: unknown })[field.localName];
}

/** The message with one field of message type left out. */
export function without<M extends Message>(message: M, field: DescField): M {
  return { ...message, [field.localName]: undefined };
}

/** The answer with its freshness, which is that of this call also where the answer was kept. */
export function stamped({ freshness }: QueryRoute, { answer, vector }: Answered): Message {
  return { ...answer, ...{ [freshness.localName]: freshnessOf(vector) } };
}
