import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import Database from 'better-sqlite3';
import { StoreFault, type StoreFaultCode } from '../../kernel/fault.ts';

export type SqliteDatabase = Database.Database;

export type OpenOptions = {
  /** The file has to be there. */
  readonly readonly?: boolean;
  /** FULL: a commit is on the disk when it returns. NORMAL: the last ones may be lost with the power. */
  readonly synchronous?: 'FULL' | 'NORMAL';
  /** How long a statement blocks the thread for a lock. 1,000 by default. */
  readonly busyTimeoutMs?: number;
};

/** What a file is for, and the statements that make a new one. */
export type FileFormat = {
  /** Told in errors: "an event log". */
  readonly name: string;
  readonly applicationId: number;
  readonly version: number;
  readonly sql: string;
};

const mostPatienceMs = 5_000;
const pauseMs = 5;

/**
 * Opens a file in WAL mode; makes the folder and the file where they are not there. What is in a folder
 * that it makes is for its owner alone.
 *
 * @throws StoreFault
 */
export function openDatabase(path: string, options: OpenOptions = {}): SqliteDatabase {
  const { readonly = false, synchronous = 'FULL', busyTimeoutMs = 1_000 } = options;
  return patiently(`cannot open ${path}`, () => {
    if (!readonly) mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    const database = new Database(path, { readonly, timeout: busyTimeoutMs });
    try {
      // Going over to WAL is refused at once when another process does the same: no busy timeout.
      if (!readonly) database.pragma('journal_mode = WAL');
      database.pragma(`synchronous = ${synchronous}`);
      database.pragma('temp_store = MEMORY');
      // Also the first look at the file itself.
      database.pragma('schema_version');
      return database;
    } catch (error) {
      database.close();
      throw error;
    }
  });
}

/**
 * Makes an empty file one of the format, leaves one that is as it is, and refuses any other. Several
 * processes may do this at once.
 *
 * @throws StoreFault
 */
export function ensureFormat(database: SqliteDatabase, format: FileFormat): void {
  patiently(`cannot prepare ${database.name}`, () => {
    // Its looks have to see one state of the file, while another process may be making it.
    if (database.transaction(() => isOfFormat(database, format))()) return;
    database
      .transaction(() => {
        if (isOfFormat(database, format)) return;
        database.exec(format.sql);
        database.pragma(`application_id = ${format.applicationId}`);
        database.pragma(`user_version = ${format.version}`);
      })
      .immediate();
  });
}

/** False for an empty file. @throws StoreFault where the file is something else. */
function isOfFormat(database: SqliteDatabase, format: FileFormat): boolean {
  const applicationId = database.pragma('application_id', { simple: true });
  const version = database.pragma('user_version', { simple: true });
  if (applicationId === format.applicationId && version === format.version) return true;
  if (applicationId === format.applicationId) {
    const written = `is ${format.name} of version ${version}`;
    throw refusal(`${database.name} ${written}; this program reads version ${format.version}`);
  }
  const tables = database.prepare('SELECT count(*) FROM sqlite_schema').pluck().get();
  if (applicationId === 0 && version === 0 && tables === 0) return false;
  throw refusal(`${database.name} is not ${format.name}, but a database of another application`);
}

function refusal(message: string): StoreFault {
  return new StoreFault('STORE_FAILED', message);
}

/** Runs it again while others hold the lock. Blocks: for the start of a process only. */
function patiently<T>(what: string, run: () => T): T {
  const until = performance.now() + mostPatienceMs;
  for (;;) {
    try {
      return run();
    } catch (error) {
      const fault = toStoreFault(error, what);
      if (fault.code !== 'STORE_BUSY' || performance.now() > until) throw fault;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, Math.random() * pauseMs);
    }
  }
}

/** By the start of SQLite's (extended) code; the first that fits. https://sqlite.org/rescode.html */
const meanings: readonly (readonly [code: string, StoreFaultCode, meaning: string])[] = [
  ['SQLITE_BUSY', 'STORE_BUSY', 'another process holds the lock'],
  ['SQLITE_LOCKED', 'STORE_BUSY', 'another connection holds the lock'],
  ['SQLITE_PROTOCOL', 'STORE_BUSY', 'the lock was not won in time'],
  ['SQLITE_FULL', 'STORE_FULL', 'the disk is full, or the file has reached its limit'],
  // The only reason why the index of the WAL cannot grow.
  ['SQLITE_IOERR_SHMSIZE', 'STORE_FULL', 'the disk is full'],
  ['SQLITE_READONLY', 'STORE_READ_ONLY', 'the file or its folder cannot be written'],
  ['SQLITE_CORRUPT', 'STORE_CORRUPT', 'the file is damaged'],
  ['SQLITE_NOTADB', 'STORE_CORRUPT', 'the file is damaged, or is not a SQLite database'],
  ['SQLITE_CANTOPEN', 'STORE_UNAVAILABLE', 'the file cannot be opened'],
  ['SQLITE_IOERR', 'STORE_UNAVAILABLE', 'reading or writing the disk failed'],
  ['EACCES', 'STORE_READ_ONLY', 'the folder cannot be made'],
  ['EROFS', 'STORE_READ_ONLY', 'the folder cannot be made'],
  ['ENOSPC', 'STORE_FULL', 'the disk is full'],
];

/**
 * The fault that an error of SQLite means. `what` was not done, and names the file: "cannot append
 * to /data/events.db". Errors that are no store's (a bug) become STORE_FAILED with their cause.
 */
export function toStoreFault(error: unknown, what: string): StoreFault {
  if (error instanceof StoreFault) return error;
  const options = { cause: error };
  const reason = textOf(error, 'message') ?? String(error);
  if (reason === 'The database connection is not open') {
    return new StoreFault('STORE_CLOSED', `${what}: it is closed`, options);
  }
  const code = sqliteCode(error);
  const found = meanings.find(([start]) => code.startsWith(start));
  const message = `${what}: ${found === undefined ? reason : `${found[2]} (${code}: ${reason})`}`;
  return new StoreFault(found?.[1] ?? 'STORE_FAILED', message, options);
}

/** SQLite's extended result code, or Node's; the empty text for other errors. */
export function sqliteCode(error: unknown): string {
  return textOf(error, 'code') ?? '';
}

/** Not by instanceof: an error may come from another realm. */
function textOf(error: unknown, key: string): string | undefined {
  if (typeof error !== 'object' || error === null) return undefined;
  const text: unknown = Reflect.get(error, key);
  return typeof text === 'string' ? text : undefined;
}
