import { join } from 'node:path';
import Database from 'better-sqlite3';
import { createSqliteEventSource } from '../../src/engines/sqlite/event-log.ts';
import { eventsFile } from './command-bus.ts';

const batchSize = 2_000;

/** Reads all events of the log, and does nothing with them. @returns events a second */
export async function readRate({ folder }: { readonly folder: string }): Promise<number> {
  await using source = createSqliteEventSource({ path: join(folder, eventsFile) });
  const startedAt = performance.now();
  let events = 0;
  for await (const batch of source.readAll({ batchSize })) events += batch.events.length;
  return (events * 1000) / (performance.now() - startedAt);
}

/** Bare SQLite: one upsert for every event, of its data under its id. @returns upserts a second */
export function upsertRate({ folder }: { readonly folder: string }): number {
  const database = new Database(join(folder, 'upserts.db'));
  database.pragma('journal_mode = WAL');
  database.pragma('synchronous = NORMAL');
  database.pragma('wal_autocheckpoint = 4000');
  database.exec('CREATE TABLE documents (id TEXT PRIMARY KEY, version INTEGER, document TEXT)');
  database.prepare('ATTACH ? AS log').run(join(folder, eventsFile));
  const select = database
    .prepare<[number, number], [string, number, string]>(`
      SELECT lower(hex(id)), position, data FROM log.events
      WHERE position > ? ORDER BY position LIMIT ?`)
    .raw();
  const upsert = database.prepare(`
    INSERT INTO documents VALUES (?, ?, ?) ON CONFLICT (id) DO UPDATE
    SET version = excluded.version, document = excluded.document`);
  const upsertAll = database.transaction((rows: readonly [string, number, string][]) => {
    for (const row of rows) upsert.run(...row);
  });
  let done = 0;
  let ms = 0;
  for (let after = 0; ; ) {
    const rows = select.all(after, batchSize);
    if (rows.length === 0) break;
    after = rows.at(-1)?.[1] ?? after;
    const startedAt = performance.now();
    upsertAll(rows);
    ms += performance.now() - startedAt;
    done += rows.length;
  }
  database.close();
  return (done * 1000) / ms;
}
