import type { JsonObject } from '../../../kernel/json.ts';
import { createHighlighter } from '../../../read/highlight.ts';
import {
  type FoundDocument,
  type Hit,
  InvalidCursor,
  type ReadModel,
  type ReadModels,
  type SearchRequest,
  type SearchResult,
  type ViewProgress,
} from '../../../read/read-models.ts';
import { type SqliteDatabase, toStoreFault } from '../database.ts';
import { checkpointOf, createLayouts, liveKeyOf } from './catalogue.ts';
import type { Layout } from './layout.ts';
import { listRows } from './list.ts';
import { isMetBy } from './scoring.ts';
import { type Matches, searchRows } from './search.ts';
import { createSpelling } from './spelling.ts';
import { createStatements } from './statements.ts';

type DocumentRow = [string, bigint, bigint, string];

/**
 * The read side's port over an open file. Every question finds the live generation and is answered
 * from it in one read transaction: a switch falls before or behind it.
 */
export function createReader(path: string, database: SqliteDatabase): ReadModels {
  const statements = createStatements(database);
  const layouts = createLayouts(statements);
  const near = createSpelling(statements);
  const inOneLook = database.transaction((work: () => unknown) => work()).deferred;

  async function ask<T>(model: ReadModel, work: (layout: Layout) => T): Promise<T> {
    try {
      return inOneLook(() => work(layouts(liveKeyOf(statements, model.name)))) as T;
    } catch (error) {
      if (error instanceof InvalidCursor) throw error;
      throw toStoreFault(error, `cannot read "${model.name}" from ${path}`);
    }
  }

  function documentsBy(column: 'id' | 'row', { table }: Layout) {
    const select = statements.bigRows(
      `SELECT id, commit_at, prepare_at, document FROM ${table.documents} WHERE ${column} = ?`,
    );
    return (value: string | number): FoundDocument | undefined => {
      const row = select.get(value) as DocumentRow | undefined;
      return row && toFound(row);
    };
  }

  function progress({ key, generation }: Layout): ViewProgress {
    const [asOf, heartbeatAt, lagEvents, lagSeconds, parkedDocuments] = statements
      .rows(`SELECT as_of, heartbeat_at, lag_events, lag_seconds,
          (SELECT count(DISTINCT document_id) FROM parked WHERE parked.key = generations.key)
        FROM generations WHERE key = ?`)
      .get(key) as [number, number, number | null, number, number];
    const known = { position: checkpointOf(statements, key), asOf, lagSeconds, heartbeatAt };
    const lag = lagEvents === null ? {} : { lagEvents };
    const parked = parkedDocuments === 0 ? {} : { parkedDocuments };
    return { ...known, generation, ...lag, ...parked };
  }

  function found(layout: Layout, rows: readonly number[]): readonly FoundDocument[] {
    const byRow = documentsBy('row', layout);
    return rows.flatMap((row) => byRow(row) ?? []);
  }

  function search(layout: Layout, model: ReadModel, request: SearchRequest): SearchResult {
    const matches = searchRows(statements, layout, model, request, near);
    const { total, facets, next } = matches;
    return { items: hits(layout, matches), ...(next === undefined ? {} : { next }), total, facets };
  }

  function hits(layout: Layout, { items, asked }: Matches): readonly Hit[] {
    const byRow = documentsBy('row', layout);
    const highlight = createHighlighter(layout.searched, isMetBy(asked));
    return items.flatMap(({ row, score }) => {
      const document = byRow(row);
      return document ? { ...document, score, highlights: highlight(document.document) } : [];
    });
  }

  return {
    progress: (model) => ask(model, progress),
    get: (model, id) => ask(model, (layout) => documentsBy('id', layout)(id)),
    getMany: (model, ids) =>
      ask(model, (layout) => {
        const byId = documentsBy('id', layout);
        const documents = [...new Set(ids)].flatMap((id) => byId(id) ?? []);
        return new Map(documents.map((document) => [document.id, document]));
      }),
    list: (model, request) =>
      ask(model, (layout) => {
        const page = listRows(statements, layout, model, request, 'list');
        return { ...page, items: found(layout, page.items) };
      }),
    search: (model, request) => ask(model, (layout) => search(layout, model, request)),
    // What is committed is seen.
    refresh: async () => {},
    [Symbol.asyncDispose]: async () => {
      database.close();
    },
  };
}

function toFound([id, commit, prepare, json]: DocumentRow): FoundDocument {
  return { id, version: { commit, prepare }, document: JSON.parse(json) as JsonObject };
}
