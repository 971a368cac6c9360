import type {
  AllPageRequest,
  LogView,
  Page,
  ReadView,
  StreamPageRequest,
  WireFilter,
} from '../../event-store/log.ts';
import type { SqliteDatabase } from './database.ts';
import { toWireEvent, type WireRow, wireColumns, wireTables } from './wire-log-rows.ts';

const mostPageBytes = 4_000_000;
const noLimit = Number.MAX_SAFE_INTEGER;

/** What reading and writing see alike. */
export function createLogView(database: SqliteDatabase): LogView {
  const ofStream = 'e.stream = (SELECT id FROM streams WHERE name = ?)';
  const lastRevision = database
    .prepare<[string], number | null>(`SELECT max(e.revision) FROM events AS e WHERE ${ofStream}`)
    .pluck();
  const select = `SELECT ${wireColumns} FROM ${wireTables} WHERE ${ofStream}`;
  const newest = database
    .prepare<[string], WireRow>(`${select} ORDER BY e.revision DESC LIMIT 1`)
    .raw();
  const eventAt = database.prepare<[string, number], WireRow>(`${select} AND e.revision = ?`).raw();
  const decode = (row: WireRow | undefined) => (row === undefined ? undefined : toWireEvent(row));
  return {
    lastRevision: (stream) => lastRevision.get(stream) ?? -1,
    newest: (stream) => decode(newest.get(stream)),
    eventAt: (stream, revision) => decode(eventAt.get(stream, revision)),
  };
}

export function createReadView(database: SqliteDatabase): ReadView {
  const head = database
    .prepare<[], number>('SELECT coalesce(max(position), 0) FROM events')
    .pluck();
  const streamPages = preparePages(database, (order) => ({
    condition: 'e.stream = (SELECT id FROM streams WHERE name = ?) AND e.revision BETWEEN ? AND ?',
    order: `e.revision ${order}`,
  }));
  const allPages = preparePages(database, (order) => ({
    condition: 'e.position BETWEEN ? AND ?',
    order: `e.position ${order}`,
  }));
  const filters = createFilters(database);

  function streamPage({ stream, direction, first, last, limit }: StreamPageRequest): Page {
    return takePage(streamPages[direction].iterate(stream, first, last, limit), limit);
  }

  function allPage({ direction, first, last, limit, filter }: AllPageRequest): Page {
    const most = Math.min(limit, noLimit);
    if (filter === undefined) {
      return takePage(allPages[direction].iterate(first, last, most), most);
    }
    const { pages, values } = filters(filter);
    return takePage(pages[direction].iterate(first, last, ...values(), most), most);
  }

  return { ...createLogView(database), head: () => head.get() ?? 0, streamPage, allPage };
}

type Pages = ReturnType<typeof preparePages>;

function preparePages(
  database: SqliteDatabase,
  clausesOf: (order: 'ASC' | 'DESC') => { condition: string; order: string },
) {
  const prepare = (direction: 'ASC' | 'DESC') => {
    const { condition, order } = clausesOf(direction);
    return database
      .prepare<unknown[], WireRow>(
        `SELECT ${wireColumns} FROM ${wireTables} WHERE ${condition} ORDER BY ${order} LIMIT ?`,
      )
      .raw();
  };
  return { forwards: prepare('ASC'), backwards: prepare('DESC') };
}

/** So many rows, or as many as fit a page of memory. */
function takePage(rows: Iterable<WireRow>, limit: number): Page {
  const events = [];
  let bytes = 0;
  for (const row of rows) {
    const event = toWireEvent(row);
    events.push(event);
    bytes += event.data.length + event.metadata.length;
    if (bytes >= mostPageBytes) return { events, isCut: true };
  }
  return { events, isCut: events.length >= limit };
}

type PreparedFilter = { readonly pages: Pages; readonly values: () => readonly unknown[] };

/**
 * A filter is asked once for each type that the log has, and once for the stream of each event; the
 * rows themselves, whose data are large, are read only of events that pass.
 */
function createFilters(database: SqliteDatabase): (filter: WireFilter) => PreparedFilter {
  const prepared = new WeakMap<WireFilter, PreparedFilter>();
  const selectTypes = database
    .prepare<[number], [number, string]>('SELECT id, name FROM types WHERE id > ?')
    .raw();
  let current: WireFilter | undefined;
  database.function('stream_passes', { deterministic: true }, (name: unknown) =>
    current?.passes(String(name)) === true ? 1 : 0,
  );
  const pagesOf = (test: string) =>
    preparePages(database, (order) => ({
      condition: `e.position BETWEEN ? AND ? AND ${test}`,
      order: `e.position ${order}`,
    }));
  let byType: Pages | undefined;
  let byStream: Pages | undefined;

  function prepareTypes(filter: WireFilter): PreparedFilter {
    byType ??= pagesOf('e.type IN (SELECT value FROM json_each(?))');
    const passing: number[] = [];
    let known = 0;
    const values = () => {
      for (const [id, name] of selectTypes.all(known)) {
        if (filter.passes(name)) passing.push(id);
        known = Math.max(known, id);
      }
      return [JSON.stringify(passing)];
    };
    return { pages: byType, values };
  }

  function prepareStreams(filter: WireFilter): PreparedFilter {
    byStream ??= pagesOf('stream_passes(s.name)');
    const values = () => {
      current = filter;
      return [];
    };
    return { pages: byStream, values };
  }

  return (filter) => {
    const known = prepared.get(filter);
    if (known !== undefined) return known;
    const made = filter.on === 'type' ? prepareTypes(filter) : prepareStreams(filter);
    prepared.set(filter, made);
    return made;
  };
}
