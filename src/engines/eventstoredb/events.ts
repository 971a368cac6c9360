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
import { StoreFault } from '../../kernel/fault.ts';
import { isObject, type JsonObject } from '../../kernel/json.ts';
import { position } from '../../kernel/position.ts';

/** EventStoreDB's greatest append, and a little less than the greatest message that it reads. */
const largestEvent = 16 * 1024 * 1024;
const uuid = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/**
 * An event whose data and metadata are JSON, in bytes: of an object, the client makes JSON, base64 of
 * it, and bytes again, twice. What appends it says that it is JSON (append-guard.ts).
 *
 * @throws RangeError for what the store could not give back as it came
 * @throws TypeError for what has no JSON
 * @throws StoreFault for what no server takes: it would end the stream of appends, with all that are
 * under way
 */
export function toEventData({ id, type, data, metadata }: NewEvent) {
  if (!uuid.test(id)) throw new RangeError(`'${id}' is not a UUID in lower case`);
  checkName('type', type);
  const bytes = { data: toJson(data), metadata: toJson(metadata) };
  const size = bytes.data.length + bytes.metadata.length;
  if (size > largestEvent) {
    const message = `an event of ${type} has ${size} bytes; the event store takes ${largestEvent}`;
    throw new StoreFault('STORE_TOO_LARGE', message);
  }
  return binaryEvent({ id, type, ...bytes });
}

/** A Uint8Array and nothing derived from it: the client takes a Buffer for an object. */
function toJson(value: JsonObject): Uint8Array {
  const { buffer, byteOffset, length } = Buffer.from(JSON.stringify(value));
  return new Uint8Array(buffer, byteOffset, length);
}

/** An event of another application that is no JSON object comes without data. */
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
    data: objectOf(event.data),
    metadata: objectOf(event.metadata),
  };
}

function objectOf(value: unknown): JsonObject {
  return isObject(value) && !ArrayBuffer.isView(value) ? value : {};
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
