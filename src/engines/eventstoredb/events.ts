import {
  type AllStreamRecordedEvent,
  binaryEvent,
  type RecordedEvent,
} from '@eventstore/db-client';
import {
  causationKey,
  type RecordedEvent as KernelEvent,
  type NewEvent,
} from '../../kernel/event.ts';
import type { JsonObject } from '../../kernel/json.ts';
import { position } from '../../kernel/position.ts';

const uuid = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/**
 * An event whose data and metadata are JSON, in bytes: of an object, the client makes JSON, base64 of
 * it, and bytes again, twice. What appends it says that it is JSON (append-guard.ts).
 *
 * @throws RangeError for what the store could not give back as it came
 * @throws TypeError for what has no JSON
 */
export function toEventData({ id, type, data, metadata }: NewEvent) {
  if (!uuid.test(id)) throw new RangeError(`'${id}' is not a UUID in lower case`);
  checkName('type', type);
  return binaryEvent({ id, type, data: toJson(data), metadata: toJson(metadata) });
}

/** A Uint8Array and nothing derived from it: the client takes a Buffer for an object. */
function toJson(value: JsonObject): Uint8Array {
  const { buffer, byteOffset, length } = Buffer.from(JSON.stringify(value));
  return new Uint8Array(buffer, byteOffset, length);
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
