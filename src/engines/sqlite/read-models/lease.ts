import type { SqliteDatabase } from '../database.ts';
import type { Statements } from './statements.ts';

/** One row for the whole file. Times are of the machine that all who open the file run on, in ms. */
const table = `CREATE TABLE IF NOT EXISTS lease (
  one INTEGER PRIMARY KEY CHECK (one = 1), owner TEXT NOT NULL,
  since INTEGER NOT NULL, until INTEGER NOT NULL)`;

/** A lease from so far in the future was given before the clock was set back: it has ended. */
const clockErrorMs = 1_000;

/** Files that are older than leases have no table for them: it is made where it is missing. */
export function createLease(database: SqliteDatabase, statements: Statements) {
  database.exec(table);

  function lease(owner: string, ttlMs: number): boolean {
    if (ttlMs <= 0) {
      statements.run('DELETE FROM lease WHERE owner = ?').run(owner);
      return false;
    }
    const now = Date.now();
    const { changes } = statements
      .run(`INSERT INTO lease VALUES (1, ?, ?, ?) ON CONFLICT (one)
        DO UPDATE SET owner = excluded.owner, since = excluded.since, until = excluded.until
        WHERE owner = excluded.owner OR until <= ? OR since > ?`)
      .run(owner, now, now + ttlMs, now, now + clockErrorMs);
    return changes === 1;
  }

  /** Whoever takes it, or gives it back, leaves no row of the owner before. */
  function prolong(owner: string, ttlMs: number): boolean {
    const now = Date.now();
    const sql = 'UPDATE lease SET since = ?, until = ? WHERE owner = ?';
    return statements.run(sql).run(now, now + ttlMs, owner).changes === 1;
  }

  function leasedBy(): string | undefined {
    const row = statements.rows('SELECT owner FROM lease WHERE until > ?').get(Date.now());
    return (row as [string] | undefined)?.[0];
  }

  return { lease, prolong, leasedBy };
}
