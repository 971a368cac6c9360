import { hash } from 'node:crypto';
import { causationKey, type NewEvent, type RecordedEvent } from '../../kernel/event.ts';
import { isObject, type JsonObject } from '../../kernel/json.ts';
import { position } from '../../kernel/position.ts';
import type { StreamName } from '../../kernel/stream-name.ts';
import type { SqliteDatabase } from './database.ts';

/** Of `events AS e`, in the order of Row. */
export const columns =
  'e.position, e.revision, e.type, e.stored_at, lower(hex(e.id)), e.data, e.metadata';

export type Row = readonly [
  position: number,
  revision: number,
  type: number,
  storedAt: number,
  id: string,
  data: string | Buffer,
  metadata: string | Buffer,
  stream?: string,
];

/** An event as its row holds it. */
export type EncodedEvent = {
  readonly id: Buffer;
  readonly type: string;
  readonly causation: Buffer | null;
  readonly data: string;
  readonly metadata: string;
};

const uuid = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** @throws RangeError for what the log could not give back as it came. */
export function encodeEvents(stream: StreamName, events: readonly NewEvent[]): EncodedEvent[] {
  checkName('stream', stream);
  if (events.length === 0) throw new RangeError(`no events to append to ${stream}`);
  let before: string | undefined;
  return events.map((event) => {
    if (!uuid.test(event.id)) throw new RangeError(`'${event.id}' is not a UUID in lower case`);
    checkName('type', event.type);
    const causation = causationOf(event.metadata);
    const isFirst = causation !== undefined && causation !== before;
    before = causation;
    return {
      id: uuidBytes(event.id),
      type: event.type,
      causation: isFirst ? causationBytes(causation) : null,
      data: JSON.stringify(event.data),
      metadata: JSON.stringify(event.metadata),
    };
  });
}

/** The id of the command in an event's metadata. */
export function causationOf(metadata: JsonObject): string | undefined {
  const id = metadata[causationKey];
  return typeof id === 'string' ? id : undefined;
}

/** 16 bytes: those of a UUID, which of version 7 come in the order of time; else of a hash. */
export function causationBytes(causationId: string): Buffer {
  if (uuid.test(causationId)) return uuidBytes(causationId);
  return hash('sha256', causationId, 'buffer').subarray(0, 16);
}

function uuidBytes(id: string): Buffer {
  return Buffer.from(id.replaceAll('-', ''), 'hex');
}

export function checkName(what: string, name: string): void {
  if (name === '' || name.includes('\0') || !name.isWellFormed()) {
    throw new RangeError(`${JSON.stringify(name)} is not the name of a ${what}`);
  }
}

/** Makes events of rows. Data and metadata are parsed when they are first asked for. */
export function createDecoder(database: SqliteDatabase) {
  const selectType = database
    .prepare<[number], string>('SELECT name FROM types WHERE id = ?')
    .pluck();
  const types = new Map<number, string>();

  function typeOf(id: number): string {
    const known = types.get(id);
    if (known !== undefined) return known;
    const name = selectType.get(id);
    if (name === undefined) throw new Error(`${database.name} has events of an unknown type ${id}`);
    types.set(id, name);
    return name;
  }

  return (row: Row, stream: StreamName): RecordedEvent => {
    const [at, revision, type, storedAt, id, dataText, metadataText] = row;
    let data: JsonObject | undefined;
    let metadata: JsonObject | undefined;
    return {
      id: toUuid(id),
      type: typeOf(type),
      stream,
      revision,
      position: position(BigInt(at)),
      storedAt,
      get data() {
        data ??= parseObject(dataText);
        return data;
      },
      get metadata() {
        metadata ??= parseObject(metadataText);
        return metadata;
      },
    };
  };
}

/** What a client of EventStoreDB's protocol has stored may be anything: of what is no object, nothing is told. */
function parseObject(content: string | Buffer): JsonObject {
  if (typeof content !== 'string') return {};
  try {
    const value: unknown = JSON.parse(content);
    return isObject(value) ? value : {};
  } catch {
    return {};
  }
}

export type Decoder = ReturnType<typeof createDecoder>;

/** From 32 hexadecimal digits. */
export function toUuid(hex: string): string {
  const groups = [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20)];
  return `${groups.join('-')}-${hex.slice(20)}`;
}

const mostPageCharacters = 4_000_000;

/** At most so many rows, or as many as fit a page of memory; `isCut`: there may be more. */
export function takePage(rows: Iterable<Row>, limit: number): { rows: Row[]; isCut: boolean } {
  const taken: Row[] = [];
  let characters = 0;
  for (const row of rows) {
    taken.push(row);
    characters += row[5].length + row[6].length;
    if (characters >= mostPageCharacters) return { rows: taken, isCut: true };
  }
  return { rows: taken, isCut: taken.length >= limit };
}
