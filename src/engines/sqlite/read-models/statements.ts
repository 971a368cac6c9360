import type Database from 'better-sqlite3';
import type { SqliteDatabase } from '../database.ts';

export type Statements = {
  /** For statements that return nothing. */
  readonly run: (sql: string) => Database.Statement<unknown[]>;
  /** Rows as arrays; integers as numbers. */
  readonly rows: (sql: string) => Database.Statement<unknown[], unknown>;
  /** Rows as arrays; integers as bigints. */
  readonly bigRows: (sql: string) => Database.Statement<unknown[], unknown>;
};

/**
 * Prepared statements by their text, the least recently used ones forgotten. SQLite prepares them
 * again by itself where the tables have changed since.
 */
export function createStatements(database: SqliteDatabase, capacity = 500): Statements {
  const cached =
    (prepare: (sql: string) => Database.Statement<unknown[], unknown>) =>
    (cache: Map<string, Database.Statement<unknown[], unknown>>) =>
    (sql: string) => {
      let statement = cache.get(sql);
      if (statement === undefined) {
        statement = prepare(sql);
        const [oldest] = cache.keys();
        if (cache.size >= capacity && oldest !== undefined) cache.delete(oldest);
      } else {
        cache.delete(sql);
      }
      cache.set(sql, statement);
      return statement;
    };
  return {
    run: cached((sql) => database.prepare(sql))(new Map()),
    rows: cached((sql) => database.prepare(sql).raw(true))(new Map()),
    bigRows: cached((sql) => database.prepare(sql).raw(true).safeIntegers(true))(new Map()),
  };
}
