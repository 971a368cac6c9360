import { StoreFault } from '../../../kernel/fault.ts';
import { isAfter } from '../../../kernel/position.ts';
import type {
  GenerationInfo,
  GenerationRef,
  ParkedEvent,
  ReadModelStore,
  StoredDocument,
} from '../../../projection/read-model-store.ts';
import { type SqliteDatabase, toStoreFault } from '../database.ts';
import { createApply } from './apply.ts';
import { checkpointOf, createLayouts, infoOf, infosOf, keyOf } from './catalogue.ts';
import { createInspect } from './inspect.ts';
import { dropSql, indexSql, problemOfView, tablesSql } from './layout.ts';
import { createLease } from './lease.ts';
import { createStatements } from './statements.ts';
import { toDocument } from './values.ts';

/** How many documents `scan` reads at once. */
const scanPage = 500;

type ParkedRow = [string, bigint, bigint, string, bigint, string, string, bigint, bigint];
type DocumentRow = [string, bigint, bigint, string | null];

/**
 * The projector's port over an open file. A generation gets the indexes of its documents when it
 * goes live: until then it is filled at full speed. Making one takes more than a second for a
 * million documents, in which nothing else is written; readers go on.
 */
export function createStore(path: string, database: SqliteDatabase): ReadModelStore {
  const statements = createStatements(database);
  const layouts = createLayouts(statements);
  const apply = createApply(database, statements, layouts);
  const inspect = createInspect(database, statements, layouts);
  const { lease, prolong, leasedBy } = createLease(database, statements);
  const atomically = database.transaction((work: () => void) => work()).immediate;

  async function guarded<T>(what: string, work: () => T | Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      throw toStoreFault(error, `cannot ${what} in ${path}`);
    }
  }

  async function* guardedItems<T>(what: string, items: AsyncIterable<T>): AsyncGenerator<T> {
    try {
      yield* items;
    } catch (error) {
      throw toStoreFault(error, `cannot ${what} in ${path}`);
    }
  }

  function open({ view, generation }: GenerationRef, fingerprint: string): GenerationInfo {
    const problem = problemOfView(view.name, view.schema);
    if (problem !== undefined) throw new StoreFault('STORE_FAILED', problem);
    atomically(() => {
      const { changes, lastInsertRowid } = statements
        .run(`INSERT OR IGNORE INTO generations (view, generation, fingerprint, schema, state)
          VALUES (?, ?, ?, ?, 'building')`)
        .run(view.name, generation, fingerprint, JSON.stringify(view.schema));
      if (changes === 1) database.exec(tablesSql(layouts(Number(lastInsertRowid))));
    });
    return infoOf(statements, keyOf(statements, { view, generation }));
  }

  async function switchTo(ref: GenerationRef, backwards = false): Promise<void> {
    const key = keyOf(statements, ref);
    for (const sql of indexSql(layouts(key))) {
      database.exec(sql);
      // What waits may be applied in between.
      await new Promise((resolve) => setImmediate(resolve));
    }
    atomically(() => {
      const row = statements
        .rows(`SELECT key FROM generations WHERE view = ? AND state = 'live'`)
        .get(ref.view.name) as [number] | undefined;
      if (row?.[0] === key) return;
      if (row !== undefined) {
        const isBehind = isAfter(checkpointOf(statements, row[0]), checkpointOf(statements, key));
        if (isBehind && !backwards) {
          const what = `generation ${ref.generation} of the view "${ref.view.name}"`;
          throw new StoreFault('STORE_FAILED', `${what} is behind the live one: catch it up first`);
        }
        statements.run(`UPDATE generations SET state = 'kept' WHERE key = ?`).run(row[0]);
      }
      statements.run(`UPDATE generations SET state = 'live' WHERE key = ?`).run(key);
    });
    cutLog();
  }

  function drop(ref: GenerationRef): void {
    atomically(() => {
      const key = keyOf(statements, ref);
      const info = infoOf(statements, key);
      if (info.state === 'live') {
        const what = `generation ${ref.generation} of the view "${ref.view.name}"`;
        throw new StoreFault('STORE_FAILED', `${what} is live and cannot be dropped`);
      }
      database.exec(dropSql(layouts(key)));
      statements.run('DELETE FROM parked WHERE key = ?').run(key);
      statements.run('DELETE FROM generations WHERE key = ?').run(key);
    });
    cutLog();
  }

  /** Where it cannot be, because a reader holds on to it or the disk is full, it is another time. */
  function cutLog(): void {
    try {
      database.pragma('wal_checkpoint(TRUNCATE)');
    } catch {
      // What was asked for has been committed.
    }
  }

  function load(ref: GenerationRef, ids: readonly string[]): Map<string, StoredDocument> {
    const { table } = layouts(keyOf(statements, ref));
    const select = statements.bigRows(
      `SELECT id, commit_at, prepare_at, document FROM ${table.documents} WHERE id = ?
       UNION ALL SELECT id, commit_at, prepare_at, NULL FROM ${table.gone} WHERE id = ?`,
    );
    const found = new Map<string, StoredDocument>();
    for (const id of ids) {
      const row = select.get(id, id) as DocumentRow | undefined;
      if (row !== undefined) found.set(id, toStored(row));
    }
    return found;
  }

  async function* scan(ref: GenerationRef): AsyncGenerator<StoredDocument> {
    // Sorts before every other text, and no document is left out that has it as its id.
    let after: string | undefined;
    for (;;) {
      const rows: DocumentRow[] = await guarded(`scan "${ref.view.name}"`, () => {
        const { documents } = layouts(keyOf(statements, ref)).table;
        const where = after === undefined ? '' : 'WHERE id > ?';
        const sql = `SELECT id, commit_at, prepare_at, document FROM ${documents} ${where}
          ORDER BY id LIMIT ${scanPage}`;
        return statements
          .bigRows(sql)
          .all(...(after === undefined ? [] : [after])) as DocumentRow[];
      });
      yield* rows.map(toStored);
      if (rows.length < scanPage) return;
      after = rows.at(-1)?.[0];
    }
  }

  function parked(ref: GenerationRef): readonly ParkedEvent[] {
    const sql = `SELECT document_id, commit_at, prepare_at, stream, revision, type, error, attempts,
      parked_at FROM parked WHERE key = ? ORDER BY commit_at, prepare_at, document_id`;
    return (statements.bigRows(sql).all(keyOf(statements, ref)) as ParkedRow[]).map(toParked);
  }

  return {
    generations: () => guarded('list the generations', () => infosOf(statements)),
    open: (ref, fingerprint) => guarded(`open "${ref.view.name}"`, () => open(ref, fingerprint)),
    switchTo: (ref, options) =>
      guarded(`switch "${ref.view.name}"`, () => switchTo(ref, options?.backwards)),
    drop: (ref) => guarded(`drop a generation of "${ref.view.name}"`, () => drop(ref)),
    load: (ref, ids) => guarded(`load from "${ref.view.name}"`, () => load(ref, ids)),
    apply: (batches) => guarded('apply', () => apply(batches)),
    scan,
    inspect: (ref, ids) => guardedItems(`inspect "${ref.view.name}"`, inspect(ref, ids)),
    lease: (owner, ttlMs) => guarded('lease the read models', () => lease(owner, ttlMs)),
    prolong: (owner, ttlMs) => guarded('prolong the lease', () => prolong(owner, ttlMs)),
    leasedBy: () => guarded('read the lease', leasedBy),
    count: (ref) =>
      guarded(`count "${ref.view.name}"`, () => {
        const row = statements
          .rows('SELECT documents FROM generations WHERE key = ?')
          .get(keyOf(statements, ref)) as [number];
        return row[0];
      }),
    parked: (ref) => guarded(`list the parked events of "${ref.view.name}"`, () => parked(ref)),
    heartbeat: (ref, { at, lagEvents, lagSeconds }) =>
      guarded(`note the heartbeat of "${ref.view.name}"`, () => {
        statements
          .run(`UPDATE generations SET heartbeat_at = ?, lag_events = ?, lag_seconds = ?
            WHERE key = ?`)
          .run(at, lagEvents ?? null, lagSeconds, keyOf(statements, ref));
      }),
    [Symbol.asyncDispose]: async () => {
      database.close();
    },
  };
}

function toStored([id, commit, prepare, json]: DocumentRow): StoredDocument {
  const version = { commit, prepare };
  if (json === null) return { id, version, document: undefined };
  const document = toDocument(json);
  if (document !== undefined) return { id, version, document };
  return { id, version, document: undefined, unreadable: 'what is stored is not a JSON object' };
}

function toParked(row: ParkedRow): ParkedEvent {
  const [documentId, commit, prepare, stream, revision, type, error, attempts, parkedAt] = row;
  return {
    documentId,
    position: { commit, prepare },
    stream,
    revision: Number(revision),
    type,
    error,
    attempts: Number(attempts),
    parkedAt: Number(parkedAt),
  };
}
