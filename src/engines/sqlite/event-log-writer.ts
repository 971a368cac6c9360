import { type Position, position } from '../../kernel/position.ts';
import type { StreamName } from '../../kernel/stream-name.ts';
import type { AppendResult, ExpectedRevision } from '../../write/event-store.ts';
import type { SqliteDatabase } from './database.ts';
import type { EncodedEvent } from './event-log-rows.ts';
import { blockSize } from './event-log-schema.ts';

/** `id` 0: the stream has no row yet. `revision` -1: it has no events. */
type StreamState = { readonly id: number; readonly revision: number; readonly keep: number | null };

const mostStreams = 50_000;
const mostRemovals = 2_000;

/**
 * What is done inside a write transaction, and the transaction itself. Everything is synchronous.
 *
 * States of streams and ids of types are remembered, but only once they are committed; and states
 * only as long as no other connection has committed anything, which `PRAGMA data_version` tells.
 */
export function createWriter(database: SqliteDatabase) {
  const statements = prepareStatements(database);
  const streams = new Map<StreamName, StreamState>();
  const types = new Map<string, number>();
  const stagedStreams = new Map<StreamName, StreamState>();
  const stagedTypes = new Map<string, number>();
  let dataVersion: number | undefined;
  let storedAt = 0;

  /** Whether others have written since the last time. @throws SqliteError SQLITE_BUSY at once. */
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
    for (const [name, state] of stagedStreams) streams.set(name, state);
    for (const [name, id] of stagedTypes) types.set(name, id);
    forgetStaged();
    for (const name of streams.keys()) {
      if (streams.size <= mostStreams) break;
      streams.delete(name);
    }
  }

  function rollback(): void {
    forgetStaged();
    try {
      // A full disk or the like has rolled it back already.
      if (database.inTransaction) statements.rollback.run();
    } catch {
      // The error that made it necessary is the one to tell; the next transaction cannot begin.
    }
  }

  function forgetStaged(): void {
    stagedStreams.clear();
    stagedTypes.clear();
  }

  function stateOf(stream: StreamName): StreamState {
    const known = stagedStreams.get(stream) ?? streams.get(stream);
    if (known !== undefined) return known;
    const row = statements.selectStream.get(stream);
    const state = row ?? { id: 0, revision: -1, keep: null };
    stagedStreams.set(stream, state);
    return state;
  }

  function typeId(name: string): number {
    const known = types.get(name) ?? stagedTypes.get(name);
    if (known !== undefined) return known;
    const id =
      statements.selectType.get(name) ?? Number(statements.addType.run(name).lastInsertRowid);
    stagedTypes.set(name, id);
    return id;
  }

  function addStream(name: StreamName): number {
    return Number(statements.addStream.run(name).lastInsertRowid);
  }

  function append(
    stream: StreamName,
    expected: ExpectedRevision,
    events: readonly EncodedEvent[],
  ): AppendResult {
    const state = stateOf(stream);
    if (!agrees(expected, state.revision)) {
      const first = positionOfRepeat(state, expected, events);
      if (first === undefined) return { appended: false, actual: state.revision };
      return {
        appended: true,
        revision: firstRevision(expected) + events.length - 1,
        position: first,
      };
    }
    const id = state.id === 0 ? addStream(stream) : state.id;
    let revision = state.revision;
    let last: number | bigint = 0;
    for (const event of events) {
      revision += 1;
      const { type, causation, id: eventId, data, metadata } = event;
      const row = [
        id,
        revision,
        typeId(type),
        storedAt,
        causation,
        eventId,
        data,
        metadata,
      ] as const;
      last = statements.insert.run(...row).lastInsertRowid;
    }
    const after = { id, revision, keep: state.keep };
    stagedStreams.set(stream, after);
    removeOld(after);
    return { appended: true, revision, position: position(BigInt(last)) };
  }

  /** The position of the last of the events where they are in the stream at the expected place. */
  function positionOfRepeat(
    state: StreamState,
    expected: ExpectedRevision,
    events: readonly EncodedEvent[],
  ): Position | undefined {
    if (typeof expected !== 'number' && expected !== 'no_stream') return undefined;
    const from = firstRevision(expected);
    const to = from + events.length - 1;
    if (state.revision < to) return undefined;
    const stored = statements.selectIds.all(state.id, from, to);
    if (stored.length !== events.length) return undefined;
    if (!stored.every((row, index) => events[index]?.id.equals(row.id))) return undefined;
    return position(BigInt(stored.at(-1)?.position ?? 0));
  }

  /** Whether there are more to remove than one transaction should. */
  function keepNewest(stream: StreamName, maxCount: number): boolean {
    const { id, revision } = stateOf(stream);
    const state = { id: id === 0 ? addStream(stream) : id, revision, keep: maxCount };
    statements.setKeep.run(maxCount, state.id);
    stagedStreams.set(stream, state);
    return removeOld(state);
  }

  function removeOld({ id, revision, keep }: StreamState): boolean {
    if (keep === null || revision < keep) return false;
    const positions = statements.remove.all(id, revision - keep, mostRemovals);
    const blocks = new Map<number, number>();
    for (const at of positions) {
      const block = Math.floor(at / blockSize);
      blocks.set(block, (blocks.get(block) ?? 0) + 1);
    }
    for (const [block, count] of blocks) statements.countRemoved.run(block, count);
    return positions.length === mostRemovals;
  }

  return { begin, commit, rollback, append, keepNewest };
}

export type Writer = ReturnType<typeof createWriter>;

function agrees(expected: ExpectedRevision, actual: number): boolean {
  if (expected === 'any') return true;
  if (expected === 'no_stream') return actual === -1;
  if (expected === 'stream_exists') return actual >= 0;
  return actual === expected;
}

function firstRevision(expected: ExpectedRevision): number {
  return typeof expected === 'number' ? expected + 1 : 0;
}

function prepareStatements(database: SqliteDatabase) {
  return {
    begin: database.prepare('BEGIN IMMEDIATE'),
    commit: database.prepare('COMMIT'),
    rollback: database.prepare('ROLLBACK'),
    dataVersion: database.prepare<[], number>('PRAGMA data_version').pluck(),
    selectStream: database.prepare<[string], StreamState>(`
      SELECT id, keep, coalesce(
        (SELECT max(revision) FROM events WHERE events.stream = streams.id), -1) AS revision
      FROM streams WHERE name = ?`),
    addStream: database.prepare<[string]>('INSERT INTO streams (name) VALUES (?)'),
    setKeep: database.prepare<[number, number]>('UPDATE streams SET keep = ? WHERE id = ?'),
    selectType: database.prepare<[string], number>('SELECT id FROM types WHERE name = ?').pluck(),
    addType: database.prepare<[string]>('INSERT INTO types (name) VALUES (?)'),
    insert: database.prepare<
      readonly [number, number, number, number, Buffer | null, Buffer, string, string] & unknown[]
    >(`
      INSERT INTO events (stream, revision, type, stored_at, causation, id, data, metadata)
      VALUES (?, ?, ?, ?, ?, ?, ?, ?)`),
    selectIds: database.prepare<[number, number, number], { position: number; id: Buffer }>(`
      SELECT position, id FROM events
      WHERE stream = ? AND revision BETWEEN ? AND ? ORDER BY revision`),
    remove: database
      .prepare<[number, number, number], number>(`
        DELETE FROM events WHERE position IN (
          SELECT position FROM events WHERE stream = ? AND revision <= ? ORDER BY revision LIMIT ?)
        RETURNING position`)
      .pluck(),
    countRemoved: database.prepare<[number, number]>(`
      INSERT INTO removed (block, count) VALUES (?, ?)
      ON CONFLICT (block) DO UPDATE SET count = count + excluded.count`),
  };
}
