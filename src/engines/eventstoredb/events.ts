import { type AllStreamRecordedEvent, jsonEvent, type RecordedEvent } from '@eventstore/db-client';
import {
  causationKey,
  type RecordedEvent as KernelEvent,
  type NewEvent,
} from '../../kernel/event.ts';
import type { JsonObject } from '../../kernel/json.ts';
import { position } from '../../kernel/position.ts';

const uuid = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** @throws RangeError for what the store could not give back as it came. */
export function toEventData(event: NewEvent) {
  if (!uuid.test(event.id)) throw new RangeError(`'${event.id}' is not a UUID in lower case`);
  checkName('type', event.type);
  const { id, type, data } = event;
  // What has no JSON has to fail before anything is sent: the client writes data when it sends them.
  JSON.stringify(data);
  // As bytes, metadata go as they are: of an object, the client makes base64, and bytes of it again.
  const metadata = new TextEncoder().encode(JSON.stringify(event.metadata));
  return jsonEvent({ id, type, data, metadata });
}

/** An event of another application that is not JSON comes without data. */
export function toRecordedEvent(event: RecordedEvent | AllStreamRecordedEvent): KernelEvent {
  const at = event.position;
  if (at === undefined) throw new Error(`${event.streamId} at ${event.revision}: no position`);
  return {
    id: event.id,
    type: event.type,
    stream: event.streamId,
    revision: Number(event.revision),
    position: position(at.commit, at.prepare),
    storedAt: event.created.getTime(),
    data: isObject(event.data) ? event.data : {},
    metadata: isObject(event.metadata) ? event.metadata : {},
  };
}

function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !ArrayBuffer.isView(value);
}

/** The id of the command in an event's metadata. */
export function causationOf(metadata: JsonObject): string | undefined {
  const id = metadata[causationKey];
  return typeof id === 'string' ? id : undefined;
}

export function checkName(what: string, name: string): void {
  if (name === '' || name.includes('\0') || !name.isWellFormed()) {
    throw new RangeError(`${JSON.stringify(name)} is not the name of a ${what}`);
  }
}
