import { StoreFault } from '../../../kernel/fault.ts';
import type { Position } from '../../../kernel/position.ts';
import type { Schema } from '../../../projection/kit.ts';
import type { GenerationInfo, GenerationRef } from '../../../projection/read-model-store.ts';
import { ensureFormat, openDatabase, type SqliteDatabase } from '../database.ts';
import { type Layout, layoutOf } from './layout.ts';
import type { Statements } from './statements.ts';

const format = {
  name: 'a store of read models',
  applicationId: 0x43_48_52_4d,
  version: 1,
  // `key` is never used twice: what is remembered of a generation is remembered by it.
  sql: `
    CREATE TABLE generations (
      key INTEGER PRIMARY KEY AUTOINCREMENT,
      view TEXT NOT NULL, generation INTEGER NOT NULL,
      fingerprint TEXT NOT NULL, schema TEXT NOT NULL,
      state TEXT NOT NULL CHECK (state IN ('building', 'live', 'kept')),
      commit_at INTEGER NOT NULL DEFAULT -1, prepare_at INTEGER NOT NULL DEFAULT -1,
      as_of INTEGER NOT NULL DEFAULT 0,
      documents INTEGER NOT NULL DEFAULT 0,
      heartbeat_at INTEGER NOT NULL DEFAULT 0, lag_events INTEGER,
      lag_seconds REAL NOT NULL DEFAULT 0,
      UNIQUE (view, generation));
    CREATE UNIQUE INDEX one_live_generation ON generations (view) WHERE state = 'live';
    CREATE TABLE parked (
      key INTEGER NOT NULL, document_id TEXT NOT NULL,
      commit_at INTEGER NOT NULL, prepare_at INTEGER NOT NULL,
      stream TEXT NOT NULL, revision INTEGER NOT NULL, type TEXT NOT NULL,
      error TEXT NOT NULL, attempts INTEGER NOT NULL, parked_at INTEGER NOT NULL,
      PRIMARY KEY (key, document_id, commit_at, prepare_at)) WITHOUT ROWID;
  `,
};

/** In WAL, a commit that is lost with the power is projected again: its checkpoint is lost too. */
export function openReadModelFile(
  path: string,
  options: { readonly busyTimeoutMs: number; readonly cacheMegabytes: number },
): SqliteDatabase {
  const { busyTimeoutMs, cacheMegabytes } = options;
  const database = openDatabase(path, { synchronous: 'NORMAL', busyTimeoutMs });
  try {
    ensureFormat(database, format);
    database.pragma(`cache_size = -${cacheMegabytes * 1024}`);
  } catch (error) {
    database.close();
    throw error;
  }
  return database;
}

/** The generation's tables; the same object as long as it is the same generation. */
export function createLayouts(statements: Statements) {
  const cache = new Map<number, Layout>();
  const capacity = 100;
  return (key: number): Layout => {
    const known = cache.get(key);
    if (known !== undefined) return known;
    const [view, generation, schema] = statements
      .rows('SELECT view, generation, schema FROM generations WHERE key = ?')
      .get(key) as [string, number, string];
    const layout = layoutOf(key, view, generation, JSON.parse(schema) as Schema);
    const [oldest] = cache.keys();
    if (cache.size >= capacity && oldest !== undefined) cache.delete(oldest);
    cache.set(key, layout);
    return layout;
  };
}

/** @throws StoreFault where there is no such generation */
export function keyOf(statements: Statements, { view, generation }: GenerationRef): number {
  const row = statements
    .rows('SELECT key FROM generations WHERE view = ? AND generation = ?')
    .get(view.name, generation) as [number] | undefined;
  if (row !== undefined) return row[0];
  const message = `the view "${view.name}" has no generation ${generation}`;
  throw new StoreFault('STORE_FAILED', message);
}

/** @throws StoreFault where the view has no live generation */
export function liveKeyOf(statements: Statements, view: string): number {
  const row = statements
    .rows(`SELECT key FROM generations WHERE view = ? AND state = 'live'`)
    .get(view) as [number] | undefined;
  if (row !== undefined) return row[0];
  const message = `the view "${view}" has no generation yet: its projector has not made one`;
  throw new StoreFault('STORE_UNAVAILABLE', message);
}

export function checkpointOf(statements: Statements, key: number): Position {
  const [commit, prepare] = statements
    .bigRows('SELECT commit_at, prepare_at FROM generations WHERE key = ?')
    .get(key) as [bigint, bigint];
  return { commit, prepare };
}

type InfoRow = [string, bigint, string, GenerationInfo['state'], bigint, bigint];

const infoColumns = 'view, generation, fingerprint, state, commit_at, prepare_at';

function toInfo(row: InfoRow): GenerationInfo {
  const [view, generation, fingerprint, state, commit, prepare] = row;
  const checkpoint = { commit, prepare };
  return { view, generation: Number(generation), fingerprint, state, checkpoint };
}

export function infosOf(statements: Statements): readonly GenerationInfo[] {
  const sql = `SELECT ${infoColumns} FROM generations ORDER BY view, generation`;
  return (statements.bigRows(sql).all() as InfoRow[]).map(toInfo);
}

export function infoOf(statements: Statements, key: number): GenerationInfo {
  const sql = `SELECT ${infoColumns} FROM generations WHERE key = ?`;
  return toInfo(statements.bigRows(sql).get(key) as InfoRow);
}
