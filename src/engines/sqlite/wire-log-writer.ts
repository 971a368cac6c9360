import type { NewWireEvent, WriteView, Written } from '../../event-store/log.ts';
import type { SqliteDatabase } from './database.ts';
import type { Transaction } from './event-log-queue.ts';
import { causationsOf, toContent, toIdBytes, toMetadata } from './wire-log-rows.ts';
import { createLogView } from './wire-log-views.ts';

/** `id` 0: the stream has no row yet. `revision` -1: it has no events. */
type StreamState = { readonly id: number; readonly revision: number };

const mostStreams = 50_000;
const mostIds = 100_000;

/**
 * The write transaction of the protocol server, over a connection of its own. What it remembers of
 * streams is true as long as no other connection has committed; what it remembers of anything is
 * only what is committed.
 */
export function createWireWriter(database: SqliteDatabase): Transaction & { view: WriteView } {
  const statements = prepareStatements(database);
  const stored = createLogView(database);
  const streams = createMemory<string, StreamState>(mostStreams);
  const types = createMemory<string, number>(Number.POSITIVE_INFINITY);
  const ids = createMemory<string, Written>(mostIds);
  const memories = [streams, types, ids];
  let dataVersion: number | undefined;
  let storedAt = 0;

  function begin(): boolean {
    statements.begin.run();
    const version = statements.dataVersion.get();
    const othersWrote = version !== dataVersion;
    if (othersWrote) streams.clear();
    dataVersion = version;
    storedAt = Date.now();
    return othersWrote;
  }

  function commit(): void {
    statements.commit.run();
    for (const memory of memories) memory.keep();
  }

  function rollback(): void {
    for (const memory of memories) memory.forget();
    try {
      // A full disk or the like has rolled it back already.
      if (database.inTransaction) statements.rollback.run();
    } catch {
      // The error that made it necessary is the one to tell; the next transaction cannot begin.
    }
  }

  function stateOf(stream: string): StreamState {
    const known = streams.get(stream);
    if (known !== undefined) return known;
    const id = statements.selectStream.get(stream) ?? 0;
    const state = { id, revision: id === 0 ? -1 : stored.lastRevision(stream) };
    streams.stage(stream, state);
    return state;
  }

  function typeId(name: string): number {
    const known = types.get(name);
    if (known !== undefined) return known;
    const id =
      statements.selectType.get(name) ?? Number(statements.addType.run(name).lastInsertRowid);
    types.stage(name, id);
    return id;
  }

  function insert(stream: string, first: number, events: readonly NewWireEvent[]): number[] {
    const { id } = stateOf(stream);
    const streamId = id === 0 ? Number(statements.addStream.run(stream).lastInsertRowid) : id;
    const causations = causationsOf(events);
    const positions = events.map((event, index) => {
      const data = toContent(event.data, event.isJson);
      const { lastInsertRowid } = statements.insert.run(
        streamId,
        first + index,
        typeId(event.type),
        storedAt,
        causations[index] ?? null,
        toIdBytes(event.id),
        data,
        toMetadata(event.metadata),
        event.isJson && typeof data !== 'string' ? 1 : null,
      );
      const position = Number(lastInsertRowid);
      // The first place of an id counts, as in EventStoreDB.
      if (ids.get(event.id) === undefined) {
        ids.stage(event.id, { stream, revision: first + index, position });
      }
      return position;
    });
    streams.stage(stream, { id: streamId, revision: first + events.length - 1 });
    return positions;
  }

  const view: WriteView = {
    ...stored,
    lastRevision: (stream) => stateOf(stream).revision,
    find: (id) => ids.get(id),
    insert,
  };
  return { begin, commit, rollback, view };
}

/** Remembers the newest so many; what is staged, only if it is kept. */
function createMemory<Key, Value>(most: number) {
  const kept = new Map<Key, Value>();
  const staged = new Map<Key, Value>();
  return {
    get: (key: Key) => staged.get(key) ?? kept.get(key),
    stage: (key: Key, value: Value) => void staged.set(key, value),
    keep: () => {
      for (const [key, value] of staged) {
        kept.delete(key);
        kept.set(key, value);
      }
      staged.clear();
      for (const key of kept.keys()) {
        if (kept.size <= most) break;
        kept.delete(key);
      }
    },
    forget: () => staged.clear(),
    clear: () => kept.clear(),
  };
}

function prepareStatements(database: SqliteDatabase) {
  type Columns = [number, number, number, number, Buffer | null, Buffer];
  type NewRow = [...Columns, data: Content, metadata: Content, jsonBytes: number | null];
  return {
    begin: database.prepare('BEGIN IMMEDIATE'),
    commit: database.prepare('COMMIT'),
    rollback: database.prepare('ROLLBACK'),
    dataVersion: database.prepare<[], number>('PRAGMA data_version').pluck(),
    selectStream: database
      .prepare<[string], number>('SELECT id FROM streams WHERE name = ?')
      .pluck(),
    addStream: database.prepare<[string]>('INSERT INTO streams (name) VALUES (?)'),
    selectType: database.prepare<[string], number>('SELECT id FROM types WHERE name = ?').pluck(),
    addType: database.prepare<[string]>('INSERT INTO types (name) VALUES (?)'),
    insert: database.prepare<NewRow>(`
      INSERT INTO events (stream, revision, type, stored_at, causation, id, data, metadata, json_bytes)
      VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`),
  };
}

type Content = string | Buffer;
