import type { JsonObject } from '../../src/kernel/json.ts';
import type { Position } from '../../src/kernel/position.ts';
import type { Schema, View } from '../../src/projection/kit.ts';
import type {
  Batch,
  GenerationRef,
  ReadModelStore,
} from '../../src/projection/read-model-store.ts';
import type {
  FoundDocument,
  ListRequest,
  Page,
  ReadModels,
  SearchRequest,
  SearchResult,
} from '../../src/read/read-models.ts';
import { at, batchOf, fingerprint } from './read-models-batches.ts';

export type ReadModelsUnderTest = { readonly store: ReadModelStore; readonly models: ReadModels };

/** A field of every kind, and of every use. */
export const schema: Schema = {
  owner: { kind: 'keyword', filter: true },
  title: { kind: 'keyword', fold: true, filter: true, sort: true, search: 3 },
  notes: { kind: 'text', search: 1 },
  price: { kind: 'decimal', filter: true, sort: true },
  quantity: { kind: 'integer', filter: true, sort: true },
  at: { kind: 'instant', filter: true, sort: true },
  active: { kind: 'boolean', filter: true, facet: true },
  status: { kind: 'keyword', filter: true, sort: true, facet: true },
  tags: { kind: 'keyword', many: true, filter: true, facet: true },
  levels: { kind: 'decimal', many: true, filter: true },
  extra: { kind: 'json' },
};

let views = 0;

/** A view that no other test has. */
export function newView(fields: Schema = schema): View {
  views += 1;
  return {
    name: `test_things${views}_${process.pid}`,
    version: 1,
    schema: fields,
    events: 'every',
    ids: () => [],
    project: () => undefined,
  };
}

export type Shelf = {
  readonly view: View;
  readonly ref: GenerationRef;
  /** The version of the last document that was put. */
  readonly version: () => Position;
  /** Written with the next versions; undefined deletes. */
  readonly put: (documents: Readonly<Record<string, JsonObject | undefined>>) => Promise<void>;
  /** What `apply` of one batch refuses. */
  readonly apply: (batch: Batch) => Promise<readonly { documentId: string; error: string }[]>;
  readonly list: (request?: Partial<ListRequest>) => Promise<Page<FoundDocument>>;
  readonly ids: (request?: Partial<ListRequest>) => Promise<readonly string[]>;
  readonly search: (text: string, request?: Partial<SearchRequest>) => Promise<SearchResult>;
  readonly found: (text: string, request?: Partial<SearchRequest>) => Promise<readonly string[]>;
};

/** A view with one live generation. Reads see what was put. */
export async function openShelf(
  { store, models }: ReadModelsUnderTest,
  view: View = newView(),
): Promise<Shelf> {
  const ref = { view, generation: 1 };
  let next = 0;
  await store.open(ref, fingerprint);
  await store.switchTo(ref);

  async function apply(batch: Batch) {
    const { refused } = await store.apply([{ ref, batch }]);
    return refused.map(({ documentId, error }) => ({ documentId, error }));
  }
  async function list(request: Partial<ListRequest> = {}) {
    await models.refresh(view);
    return models.list(view, { where: [], limit: 100, ...request });
  }
  async function search(text: string, request: Partial<SearchRequest> = {}) {
    await models.refresh(view);
    return models.search(view, { text, where: [], facets: [], limit: 100, ...request });
  }
  return {
    view,
    ref,
    version: () => at(next),
    put: async (documents) => {
      const stored = Object.entries(documents).map(([id, document]) => {
        next += 1;
        return { id, version: at(next), document };
      });
      const refused = await apply(batchOf(stored));
      if (refused.length > 0) throw new Error(JSON.stringify(refused));
    },
    apply,
    list,
    ids: async (request) => (await list(request)).items.map(({ id }) => id),
    search,
    found: async (text, request) => (await search(text, request)).items.map(({ id }) => id),
  };
}

/** The part of a request that goes on behind a page. */
export const goOn = (after: string | undefined) => (after === undefined ? {} : { after });

/** All pages of a question, one after the other; `between` runs before each but the first. */
export async function pagesOf<Item>(
  ask: (after: string | undefined) => Promise<Page<Item>>,
  between: () => Promise<void> = async () => {},
): Promise<readonly Item[][]> {
  const pages: Item[][] = [];
  for (let after: string | undefined; ; ) {
    const { items, next } = await ask(after);
    pages.push([...items]);
    if (next === undefined) return pages;
    after = next;
    await between();
  }
}
