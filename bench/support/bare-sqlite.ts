import { join } from 'node:path';
import Database from 'better-sqlite3';

/** The columns of an event's row but its position. */
export type EventRow = readonly [
  stream: number,
  revision: number,
  type: number,
  storedAt: number,
  causation: Buffer | null,
  id: Buffer,
  data: string,
  metadata: string,
];

/** The newest rows of an event log: their bytes are what a floor has to write. */
export function rowsOfLog(path: string, limit: number): readonly EventRow[] {
  const database = new Database(path, { readonly: true });
  const rows = database
    .prepare<[number], EventRow>(`
      SELECT stream, revision, type, stored_at, causation, id, data, metadata
      FROM events ORDER BY position DESC LIMIT ?`)
    .raw()
    .all(limit);
  database.close();
  return rows;
}

/**
 * SQLite and nothing else: one table without an index, WAL, synchronous=FULL, checkpoints as rare as
 * those of the event log.
 */
export function openBareTable(folder: string, rows: readonly EventRow[]) {
  const database = new Database(join(folder, `bare-${process.hrtime.bigint()}.db`));
  database.pragma('journal_mode = WAL');
  database.pragma('synchronous = FULL');
  database.pragma('wal_autocheckpoint = 4000');
  database.exec(`
    CREATE TABLE events (
      position INTEGER PRIMARY KEY, stream INTEGER NOT NULL, revision INTEGER NOT NULL,
      type INTEGER NOT NULL, stored_at INTEGER NOT NULL, causation BLOB, id BLOB NOT NULL,
      data TEXT NOT NULL, metadata TEXT NOT NULL) STRICT`);
  const insert = database.prepare<EventRow & unknown[]>(`
    INSERT INTO events (stream, revision, type, stored_at, causation, id, data, metadata)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?)`);
  let next = 0;
  const transaction = database.transaction((count: number) => {
    for (let i = 0; i < count; i += 1) {
      const row = rows[next % rows.length];
      next += 1;
      if (row !== undefined) insert.run(...row);
    }
  });
  return {
    /** @returns rows a second, with so many in each transaction */
    insertRate: (roundMs: number, rowsOfTransaction: number): number => {
      const startedAt = performance.now();
      let done = 0;
      while (performance.now() - startedAt < roundMs) {
        transaction(rowsOfTransaction);
        done += rowsOfTransaction;
      }
      return (done * 1000) / (performance.now() - startedAt);
    },
    [Symbol.dispose]: () => {
      database.close();
    },
  };
}
