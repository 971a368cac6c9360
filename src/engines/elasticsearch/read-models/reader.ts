import type { Client, estypes } from '@elastic/elasticsearch';
import { StoreFault } from '../../../kernel/fault.ts';
import { createHighlighter } from '../../../read/highlight.ts';
import {
  type FoundDocument,
  InvalidCursor,
  type ReadModel,
  type ReadModels,
  type SearchRequest,
  type SearchResult,
  type ViewProgress,
} from '../../../read/read-models.ts';
import { closed, faultOf, isMissingIndex, toComplaint, toStoreFault } from '../faults.ts';
import { documentFields, type Source, toStored } from './entries.ts';
import type { Layout } from './layout.ts';
import { planList } from './list.ts';
import { createLive, noLive } from './live.ts';
import { liveAlias, toEntryId } from './names.ts';
import { createPages } from './pages.ts';
import { readProgress } from './progress.ts';
import { createRefreshing, refreshIndex } from './refreshing.ts';
import { facetsOf, planSearch } from './search.ts';
import { createSnapshots } from './snapshots.ts';
import { isMetBy } from './words-asked.ts';

/** The read side's port over a client. */
export function createReader(
  client: Client,
  prefix: string,
  refreshIntervalMs: number,
): ReadModels {
  const now = () => performance.now();
  const live = createLive(client, prefix, now);
  const snapshots = createSnapshots(client, now);
  const read = createPages(client, snapshots);
  const refreshed = createRefreshing((index) => refreshIndex(client, index));
  let isClosed = false;

  async function guarded<T>(model: ReadModel, work: () => Promise<T>): Promise<T> {
    if (isClosed) throw closed(`read "${model.name}"`);
    try {
      return await work();
    } catch (error) {
      live.forget(model.name);
      if (isClosed) throw closed(`read "${model.name}"`);
      if (error instanceof InvalidCursor) throw error;
      if (isMissingIndex(error)) throw noLive(prefix, model.name);
      throw toStoreFault(error, `cannot read "${model.name}"`);
    }
  }

  /** Once more where the generation has been dropped meanwhile, as another is live. */
  function ask<T>(model: ReadModel, work: (layout: Layout) => Promise<T>): Promise<T> {
    return guarded(model, async () => {
      try {
        return await work(await live.layout(model.name));
      } catch (error) {
        const isStale = error instanceof StoreFault && error.code === 'STORE_UNAVAILABLE';
        if (!isMissingIndex(error) && !isStale) throw error;
        live.forget(model.name);
        return work(await live.layout(model.name));
      }
    });
  }

  async function entriesOf(model: ReadModel, ids: readonly string[]) {
    const index = liveAlias(prefix, model.name);
    const { docs } = await client.mget<Source>({ index, ids: [...ids], _source: documentFields });
    for (const one of docs) {
      if ('error' in one) throw cannotRead(model, one.error);
      live.seen(model.name, one._index);
    }
    return docs as readonly estypes.GetGetResult<Source>[];
  }

  function cannotRead({ name }: ReadModel, error: estypes.ErrorCause): StoreFault {
    if (error.type === 'index_not_found_exception') return noLive(prefix, name);
    return faultOf(toComplaint(503, error), `cannot read "${name}"`);
  }

  async function progress(model: ReadModel): Promise<ViewProgress> {
    const alias = liveAlias(prefix, model.name);
    for (let look = 0; look < mostLooks; look += 1) {
      const { index, id, generation } = await live.layout(model.name);
      const [found] = await readProgress(client, prefix, [{ index: alias, id }], (error) =>
        cannotRead(model, error),
      );
      // Another generation may be live meanwhile: the reach is of the one before.
      live.seen(model.name, found?.index ?? '');
      if (found?.index !== index) continue;
      const { at: heartbeatAt, parkedDocuments, ...lag } = found.heartbeat;
      const parked = parkedDocuments === 0 ? {} : { parkedDocuments };
      const { position, asOf } = found;
      return { position, asOf, heartbeatAt, ...lag, ...parked, generation };
    }
    throw noLive(prefix, model.name);
  }

  async function getMany(model: ReadModel, ids: readonly string[]) {
    const found = new Map<string, FoundDocument>();
    if (ids.length === 0) return found;
    for (const { _source: source } of await entriesOf(model, [...new Set(ids)].map(toEntryId))) {
      const document = toFound(source);
      if (document !== undefined) found.set(document.id, document);
    }
    return found;
  }

  async function search(
    layout: Layout,
    model: ReadModel,
    request: SearchRequest,
  ): Promise<SearchResult> {
    const plan = planSearch(layout, model, request);
    if (plan === undefined) {
      return { items: [], total: 0, facets: facetsOf(request.facets, undefined) };
    }
    const { hits, total, aggregations, ...next } = await read(layout.index, plan.page);
    const isMet = (word: string) => plan.asked.some((one) => isMetBy(one, word));
    const highlight = createHighlighter(layout.searched, isMet);
    return {
      ...next,
      items: hits.flatMap(({ _source: source, sort }) => {
        const found = toFound(source);
        if (found === undefined) return [];
        const score = plan.asked.length === 0 ? 0 : Number(sort?.[0]);
        return { ...found, score, highlights: highlight(found.document) };
      }),
      total,
      facets: facetsOf(plan.facets, aggregations),
    };
  }

  return {
    progress: (model) => guarded(model, () => progress(model)),
    get: (model, id) => guarded(model, async () => (await getMany(model, [id])).get(id)),
    getMany: (model, ids) => guarded(model, () => getMany(model, ids)),
    list: (model, request) =>
      ask(model, async (layout) => {
        const plan = planList(layout, model, request, 'list');
        const { hits, next } = await read(layout.index, plan);
        const items = hits.flatMap(({ _source: source }) => toFound(source) ?? []);
        return { items, ...(next !== undefined && { next }) };
      }),
    search: (model, request) => ask(model, (layout) => search(layout, model, request)),
    refresh: (model) => {
      // What is applied may be in a generation that has gone live since it was looked for.
      live.forget(model.name);
      return guarded(model, () => refreshed(liveAlias(prefix, model.name)));
    },
    shownWithinMs: refreshIntervalMs,
    [Symbol.asyncDispose]: async () => {
      isClosed = true;
      await snapshots.close();
      await client.close();
    },
  };
}

const mostLooks = 3;

function toFound(source: Source | undefined): FoundDocument | undefined {
  const stored = toStored(source);
  if (stored?.document === undefined) return undefined;
  return { id: stored.id, version: stored.version, document: stored.document };
}
