import { StoreFault } from '../../src/kernel/fault.ts';
import type { JsonObject, JsonValue } from '../../src/kernel/json.ts';
import { type Position, position, start } from '../../src/kernel/position.ts';
import {
  type Condition,
  type FoundDocument,
  InvalidCursor,
  type ListRequest,
  type Page,
  type ReadModel,
  type ReadModels,
  type ViewProgress,
} from '../../src/read/read-models.ts';

type Shelf = {
  readonly documents: Map<string, FoundDocument>;
  /** What lists and searches see. */
  visible: ReadonlyMap<string, FoundDocument>;
  progress: ViewProgress;
};

export type ReadModelsInMemory = ReadModels & {
  /** The view applies an event at the position: the document is as given, or gone. */
  readonly apply: (
    model: ReadModel,
    at: number,
    id?: string,
    document?: JsonObject | undefined,
  ) => void;
  /** Tells something else of the view's progress, as a projector's heartbeat does. */
  readonly tell: (model: ReadModel, progress: Partial<ViewProgress>) => void;
  /** The store of the view is away, or is back. */
  readonly away: (model: ReadModel, fault: StoreFault | undefined) => void;
  /** Every read so far, as "get trading_strategies". */
  readonly reads: string[];
};

/**
 * Read models in memory, driven by the test. `refreshes`: like a search engine, lists show what was
 * applied only after a refresh.
 */
export function createReadModelsInMemory({ refreshes = false } = {}): ReadModelsInMemory {
  const shelves = new Map<string, Shelf>();
  const faults = new Map<string, StoreFault>();
  const reads: string[] = [];

  const shelfOf = (model: ReadModel): Shelf => {
    const known = shelves.get(model.name);
    if (known !== undefined) return known;
    const documents = new Map<string, FoundDocument>();
    const shelf = { documents, visible: refreshes ? new Map() : documents, progress: nothingYet };
    shelves.set(model.name, shelf);
    return shelf;
  };
  const read = async (what: string, model: ReadModel): Promise<Shelf> => {
    reads.push(`${what} ${model.name}`);
    const fault = faults.get(model.name);
    if (fault !== undefined) throw fault;
    return shelfOf(model);
  };

  return {
    reads,
    apply: (model, at, id, document) => {
      const shelf = shelfOf(model);
      if (id !== undefined && document === undefined) shelf.documents.delete(id);
      if (id !== undefined && document !== undefined) {
        shelf.documents.set(id, { id, version: position(BigInt(at)), document });
      }
      shelf.progress = { ...shelf.progress, position: position(BigInt(at)), asOf: at * 1000 };
    },
    tell: (model, progress) => {
      const shelf = shelfOf(model);
      shelf.progress = { ...shelf.progress, ...progress };
    },
    away: (model, fault) => {
      if (fault === undefined) faults.delete(model.name);
      else faults.set(model.name, fault);
    },
    progress: async (model) => (await read('progress', model)).progress,
    get: async (model, id) => (await read('get', model)).documents.get(id),
    getMany: async (model, ids) => {
      const { documents } = await read('getMany', model);
      return new Map([...documents].filter(([id]) => ids.includes(id)));
    },
    list: async (model, request) =>
      pageOf([...(await read('list', model)).visible.values()], request),
    search: async (model, request) => {
      const words = request.text.toLowerCase().split(/\s+/).filter(Boolean);
      const matches = [...(await read('search', model)).visible.values()].filter((found) => {
        const text = JSON.stringify(found.document).toLowerCase();
        return words.every((word) => text.includes(word));
      });
      const page = pageOf(matches, request);
      const items = page.items.map((found) => ({ ...found, score: 1, highlights: [] }));
      return { ...page, items, total: matches.length, facets: [] };
    },
    refresh: async (model) => {
      const shelf = await read('refresh', model);
      if (refreshes) shelf.visible = new Map(shelf.documents);
    },
    [Symbol.asyncDispose]: async () => {},
  };
}

const nothingYet: ViewProgress = {
  position: start,
  asOf: 0,
  lagSeconds: 0,
  heartbeatAt: 0,
  generation: 1,
};

function pageOf(
  documents: readonly FoundDocument[],
  request: Pick<ListRequest, 'where' | 'sort' | 'limit' | 'after'>,
): Page<FoundDocument> {
  const { where, sort, limit, after } = request;
  const question = JSON.stringify([where, sort]);
  const matching = documents
    .filter(({ document }) => where.every((condition) => holds(document, condition)))
    .sort((a, b) => (sort === undefined ? 0 : bySort(a, b, sort)) || (a.id < b.id ? -1 : 1));
  const from = after === undefined ? 0 : placeAfter(after, question, matching);
  const items = matching.slice(from, from + limit);
  const last = items.at(-1);
  return last === undefined || from + limit >= matching.length
    ? { items }
    : { items, next: Buffer.from(JSON.stringify([question, last.id])).toString('base64url') };
}

function placeAfter(cursor: string, question: string, among: readonly FoundDocument[]): number {
  let parts: unknown;
  try {
    parts = JSON.parse(Buffer.from(cursor, 'base64url').toString());
  } catch {
    throw new InvalidCursor('damaged');
  }
  if (!Array.isArray(parts) || parts[0] !== question) throw new InvalidCursor('another question');
  return among.findIndex(({ id }) => id === parts[1]) + 1;
}

function bySort(
  a: FoundDocument,
  b: FoundDocument,
  sort: NonNullable<ListRequest['sort']>,
): number {
  const [x, y] = [a.document[sort.field], b.document[sort.field]];
  if (x === y) return 0;
  if (x === undefined) return 1;
  if (y === undefined) return -1;
  const ascending = (x as string | number) < (y as string | number) ? -1 : 1;
  return sort.descending ? -ascending : ascending;
}

function holds(document: JsonObject, condition: Condition): boolean {
  const stored = document[condition.field];
  const values = (Array.isArray(stored) ? stored : [stored]) as (JsonValue | undefined)[];
  if ('in' in condition) return values.some((value) => condition.in.includes(value as string));
  if ('notIn' in condition) return !values.some((v) => condition.notIn.includes(v as string));
  const { from, until } = condition;
  return values.some(
    (value) =>
      value !== undefined &&
      (from === undefined || (value as number) >= (from as number)) &&
      (until === undefined || (value as number) < (until as number)),
  );
}

export const away = new StoreFault('STORE_UNAVAILABLE', 'cannot read /secret/path/read.db');

export function at(commit: number): Position {
  return position(BigInt(commit));
}
