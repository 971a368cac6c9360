import type { RecordedEvent } from '../../kernel/event.ts';
import type { EventFilter } from '../../projection/event-source.ts';
import type { SqliteDatabase } from './database.ts';
import { columns, createDecoder, type Row, takePage } from './event-log-rows.ts';

/** `to`: everything up to and with this position that passes the filter has been given. */
export type Page = {
  readonly events: readonly RecordedEvent[];
  readonly to: number;
  readonly isLast: boolean;
};

type RowWithStream = Row & { readonly 7: string };

/** How many positions one page looks at when a filter lets few events pass. */
const windowSize = 5_000;

/** Position of the last event, 0 for none. */
export function createHeadReader(database: SqliteDatabase): () => number {
  const statement = database
    .prepare<[], number>('SELECT coalesce(max(position), 0) FROM events')
    .pluck();
  return () => statement.get() ?? 0;
}

/**
 * Pages of the log in order of position. Each is one statement, so no transaction stays open between
 * them; a position that was read as the head is final for all below it, as commits are in order.
 */
export function createPages(database: SqliteDatabase, filter: EventFilter | undefined) {
  const decode = createDecoder(database);
  const { sql, values } = toSql(filter);
  const prepare = (order: string) =>
    database
      .prepare<unknown[], RowWithStream>(`
        SELECT ${columns}, s.name FROM events AS e CROSS JOIN streams AS s ON s.id = e.stream
        WHERE e.position BETWEEN ? AND ? AND ${sql} ORDER BY e.position ${order} LIMIT ?`)
      .raw();
  const selectForwards = prepare('ASC');
  const selectBackwards = prepare('DESC');
  const reach = (filter === undefined ? Number.MAX_SAFE_INTEGER : windowSize) - 1;

  function toEvents(rows: readonly Row[]): RecordedEvent[] {
    return rows.map((row) => decode(row, row[7] ?? ''));
  }

  /** From the position after `after` to `end`, which is the head or before it. */
  function forwards(after: number, end: number, limit: number): Page {
    const from = after + 1;
    const until = Math.min(end, from + reach);
    const page = takePage(selectForwards.iterate(from, until, ...values, limit), limit);
    const last = page.rows.at(-1)?.[0] ?? until;
    const to = page.isCut ? last : until;
    return { events: toEvents(page.rows), to, isLast: to >= end };
  }

  /** From the position before `before`, at most the head, to the first. */
  function backwards(before: number, limit: number): Page {
    const from = before - 1;
    const until = Math.max(1, from - reach);
    const page = takePage(selectBackwards.iterate(until, from, ...values, limit), limit);
    const last = page.rows.at(-1)?.[0] ?? until;
    const to = page.isCut ? last : until;
    return { events: toEvents(page.rows), to, isLast: to <= 1 };
  }

  return { forwards, backwards };
}

function toSql(filter: EventFilter | undefined): { sql: string; values: unknown[] } {
  if (filter === undefined) return { sql: 'true', values: [] };
  if ('types' in filter) {
    const named = 'SELECT value FROM json_each(?)';
    return {
      sql: `e.type IN (SELECT id FROM types WHERE name IN (${named}))`,
      values: [JSON.stringify(filter.types)],
    };
  }
  // Not LIKE, which ignores case and has wildcards, and not a range, whose end no text is.
  const prefixes = filter.streamPrefixes;
  const conditions = prefixes.map(() => 'substr(s.name, 1, ?) = ?');
  return {
    sql: conditions.length === 0 ? 'false' : `(${conditions.join(' OR ')})`,
    // SQLite counts code points.
    values: prefixes.flatMap((prefix) => [[...prefix].length, prefix]),
  };
}
