import { ensureFormat, type FileFormat, openDatabase, type SqliteDatabase } from './database.ts';

/**
 * - A position is one more than the highest, and is never used again: the event that has the highest
 *   cannot be deleted, which keepNewest never wants either. AUTOINCREMENT would promise the same for
 *   one more page in every commit, some 5 % of it. The only gaps are events that were removed.
 * - `events.causation` is `$causationId`, on the first event of a command on a stream only; the others
 *   of the command follow it. Ids of commands that are UUIDs of version 7 come in the order of time,
 *   so that a commit adds them to one page; random ones would each change a page of their own.
 * - `data` and `metadata` are JSON as text, or, from a client that speaks EventStoreDB's protocol,
 *   bytes that are no JSON; `json_bytes` is 1 where it calls such data JSON all the same, else null.
 *   Metadata that are missing are the empty text. The highest revision that there can be is that of
 *   the event that deletes a stream for good: nothing follows it.
 * - `id` is the 16 bytes of the UUID. The small columns come first, so that a filter needs not read
 *   the overflow pages of large events.
 * - `streams.keep`: how many events stay, null for all. `removed` counts those that did not, in
 *   blocks of positions, so that counting the events after a position needs no scan.
 */
const sql = `
  CREATE TABLE streams (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, keep INTEGER) STRICT;
  CREATE TABLE types (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE) STRICT;
  CREATE TABLE events (
    position INTEGER PRIMARY KEY,
    stream INTEGER NOT NULL,
    revision INTEGER NOT NULL CHECK (revision <= 9007199254740991),
    type INTEGER NOT NULL,
    stored_at INTEGER NOT NULL,
    causation BLOB,
    id BLOB NOT NULL,
    data ANY NOT NULL,
    metadata ANY NOT NULL,
    json_bytes INTEGER
  ) STRICT;
  CREATE UNIQUE INDEX events_by_stream ON events (stream, revision);
  CREATE INDEX events_by_causation ON events (causation, stream) WHERE causation IS NOT NULL;
  CREATE TRIGGER events_keep_the_last BEFORE DELETE ON events
    WHEN OLD.position = (SELECT max(position) FROM events)
    BEGIN SELECT raise(ABORT, 'the last event of the log cannot be deleted'); END;
  CREATE TABLE removed (block INTEGER PRIMARY KEY, count INTEGER NOT NULL) STRICT;
`;

/** How many positions are counted together in `removed`. */
export const blockSize = 1024;

const format: FileFormat = {
  name: 'an event log of CipherHorizon',
  applicationId: 0x43484576, // "CHEv"
  version: 1,
  sql,
};

// 16 MB: a commit that checkpoints takes longer, but pages that many commits touch are copied once.
const checkpointPages = 4_000;
const walLimitBytes = 64 * 1024 * 1024;
// Random ids of commands are looked up at random places: with SQLite's 2 MB most of them are misses.
const cacheKibibytes = 64 * 1024;

export type WriterOptions = {
  readonly synchronous: 'FULL' | 'NORMAL';
  /** The file grows no larger; appends then fail with STORE_FULL. */
  readonly maxBytes: number | undefined;
};

/** A lock that is held is reported at once, because waiting would block the thread. */
export function openForWriting(path: string, options: WriterOptions): SqliteDatabase {
  prepareFile(path);
  const { synchronous, maxBytes } = options;
  const database = openDatabase(path, { synchronous, busyTimeoutMs: 0 });
  database.pragma(`wal_autocheckpoint = ${checkpointPages}`);
  database.pragma(`journal_size_limit = ${walLimitBytes}`);
  database.pragma(`cache_size = -${cacheKibibytes}`);
  if (maxBytes !== undefined) {
    const pageSize = Number(database.pragma('page_size', { simple: true }));
    database.pragma(`max_page_count = ${Math.max(1, Math.floor(maxBytes / pageSize))}`);
  }
  return database;
}

/** Makes the log where there is none: who reads may start before who writes. */
export function openForReading(path: string): SqliteDatabase {
  prepareFile(path);
  return openDatabase(path, { readonly: true });
}

function prepareFile(path: string): void {
  const database = openDatabase(path);
  try {
    ensureFormat(database, format);
  } finally {
    database.close();
  }
}
