import { isUtf8 } from 'node:buffer';
import type { NewWireEvent, WireEvent } from '../../event-store/log.ts';
import { causationKey } from '../../kernel/event.ts';
import { causationBytes, toUuid } from './event-log-rows.ts';

/** Of `events AS e`, `streams AS s` and `types AS t`, in the order of WireRow. */
export const wireColumns = `e.position, e.revision, e.stored_at, hex(e.id), typeof(e.data) = 'text' OR e.json_bytes = 1,
  CAST(e.data AS BLOB), CAST(e.metadata AS BLOB), t.name, s.name`;

export const wireTables = `events AS e CROSS JOIN streams AS s ON s.id = e.stream
  CROSS JOIN types AS t ON t.id = e.type`;

export type WireRow = readonly [
  position: number,
  revision: number,
  storedAt: number,
  id: string,
  isJson: number,
  data: Buffer | null,
  metadata: Buffer | null,
  type: string,
  stream: string,
];

const noBytes = Buffer.alloc(0);

export function toWireEvent(row: WireRow): WireEvent {
  const [position, revision, storedAt, id, isJson, data, metadata, type, stream] = row;
  return {
    position,
    revision,
    storedAt,
    id: toUuid(id.toLowerCase()),
    isJson: isJson === 1,
    data: data ?? noBytes,
    metadata: metadata ?? noBytes,
    type,
    stream,
  };
}

/** As a column holds it: JSON as text, so that who reads the file with any tool can read it. */
export function toContent(bytes: Uint8Array, isJson: boolean): string | Buffer {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return isJson && isText(buffer) ? buffer.toString() : buffer;
}

/** Metadata have no content type of their own. */
export function toMetadata(bytes: Uint8Array): string | Buffer {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return isText(buffer) ? buffer.toString() : buffer;
}

function isText(buffer: Buffer): boolean {
  return isUtf8(buffer) && !buffer.includes(0);
}

export function toIdBytes(id: string): Buffer {
  return Buffer.from(id.replaceAll('-', ''), 'hex');
}

const causationMark = Buffer.from(JSON.stringify(causationKey));

/** For each event, the column where it is the first of its command, as the embedded log has it. */
export function causationsOf(events: readonly NewWireEvent[]): (Buffer | null)[] {
  let before: string | undefined;
  return events.map(({ metadata }) => {
    const causation = causationIn(metadata);
    const isFirst = causation !== undefined && causation !== before;
    before = causation;
    return isFirst ? causationBytes(causation) : null;
  });
}

function causationIn(metadata: Uint8Array): string | undefined {
  const bytes = Buffer.from(metadata.buffer, metadata.byteOffset, metadata.byteLength);
  if (!bytes.includes(causationMark)) return undefined;
  try {
    const id: unknown = Reflect.get(JSON.parse(bytes.toString()), causationKey);
    return typeof id === 'string' ? id : undefined;
  } catch {
    return undefined;
  }
}
