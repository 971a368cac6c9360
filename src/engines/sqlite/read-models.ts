import type { ReadModelStore } from '../../projection/read-model-store.ts';
import type { ReadModels } from '../../read/read-models.ts';
import { toStoreFault } from './database.ts';
import { openReadModelFile } from './read-models/catalogue.ts';
import { createReader } from './read-models/reader.ts';
import { createStore } from './read-models/store.ts';

/**
 * The read models of the embedded engine for the projector, in one SQLite file, which is made where
 * it is not there. A second writer waits for the first, up to five seconds.
 *
 * @throws StoreFault
 */
export function createSqliteReadModelStore({ path }: { readonly path: string }): ReadModelStore {
  const database = openReadModelFile(path, { busyTimeoutMs: 5_000, cacheMegabytes: 24 });
  // A rebuild makes the log long: it is written back in larger steps, and cut afterwards. What is
  // sorted for an index may be more than should be in memory.
  database.pragma('wal_autocheckpoint = 4000');
  database.pragma('journal_size_limit = 67108864');
  database.pragma('temp_store = FILE');
  try {
    return createStore(path, database);
  } catch (error) {
    database.close();
    throw toStoreFault(error, `cannot prepare ${path}`);
  }
}

/**
 * The same file for a read server: in a process of its own, started before or after the projector.
 * It never waits for a writer.
 *
 * @throws StoreFault
 */
export function createSqliteReadModels({ path }: { readonly path: string }): ReadModels {
  const database = openReadModelFile(path, { busyTimeoutMs: 1_000, cacheMegabytes: 64 });
  database.pragma('query_only = ON');
  // Pages are read where the system has them, without a copy: searches take half of the time. The
  // file never becomes shorter, so that what is mapped stays there.
  database.pragma('mmap_size = 4294967296');
  return createReader(path, database);
}
