import type { Client } from '@elastic/elasticsearch';
import { comparePositions } from '../../../kernel/position.ts';
import type {
  GenerationRef,
  Misindexed,
  ParkedEvent,
  ReadModelStore,
  StoredDocument,
} from '../../../projection/read-model-store.ts';
import { closed, faultOf, toComplaint, toStoreFault } from '../faults.ts';
import { createApply } from './apply.ts';
import { createCatalogue } from './catalogue.ts';
import { documentFields, type Source, toParked, toStored } from './entries.ts';
import { createHeartbeats } from './heartbeats.ts';
import { inspectEntry } from './inspect.ts';
import { createLease } from './lease.ts';
import { toEntryId } from './names.ts';
import { createProgress } from './progress.ts';
import { createRecent } from './recent.ts';
import { refreshIndex } from './refreshing.ts';
import { scanEntries } from './scan.ts';

const loadAtOnce = 1_000;
const mostParked = 10_000;

/** The projector's port over a client. */
export function createStore(
  client: Client,
  prefix: string,
  refreshIntervalMs: number,
): ReadModelStore {
  const recent = createRecent();
  const progress = createProgress(client, prefix);
  const catalogue = createCatalogue(client, recent, progress, { prefix, refreshIntervalMs });
  const apply = createApply(client, catalogue, recent, progress, refreshIntervalMs);
  const heartbeat = createHeartbeats(client, progress);
  const { lease, prolong, leasedBy } = createLease(client, prefix);

  let isClosed = false;

  async function guarded<T>(what: string, work: () => Promise<T>): Promise<T> {
    if (isClosed) throw closed(what);
    try {
      return await work();
    } catch (error) {
      // The index may have gone, and may come again as another one.
      catalogue.forget();
      if (isClosed) throw closed(what);
      throw toStoreFault(error, `cannot ${what}`);
    }
  }

  async function getAll(index: string, ids: readonly string[], fields: readonly string[] | true) {
    const found: Source[] = [];
    for (let from = 0; from < ids.length; from += loadAtOnce) {
      const some = ids.slice(from, from + loadAtOnce).map(toEntryId);
      const { docs } = await client.mget<Source>({
        index,
        ids: some,
        _source: fields === true ? true : [...fields],
      });
      for (const one of docs) {
        if ('error' in one) throw faultOf(toComplaint(503, one.error), `cannot read "${index}"`);
        if (one.found && one._source !== undefined) found.push(one._source);
      }
    }
    return found;
  }

  async function load(ref: GenerationRef, ids: readonly string[]) {
    const { index } = await catalogue.layout(ref);
    const found = new Map<string, StoredDocument>();
    const unknown: string[] = [];
    for (const id of new Set(ids)) {
      const known = recent.find(index, id);
      if (known === undefined) unknown.push(id);
      else if (known !== 'absent') found.set(id, known);
    }
    for (const source of await getAll(index, unknown, documentFields)) {
      const stored = toStored(source);
      if (stored !== undefined) found.set(stored.id, stored);
    }
    return found;
  }

  async function* scan(ref: GenerationRef): AsyncGenerator<StoredDocument> {
    const what = `scan "${ref.view.name}"`;
    const { index } = await guarded(what, () => catalogue.layout(ref));
    const entries = scanEntries(client, index, { term: { k: 'd' } }, documentFields);
    for await (const source of guardedEach(what, entries)) {
      const stored = toStored(source);
      if (stored !== undefined) yield stored;
    }
  }

  async function* inspect(ref: GenerationRef, ids?: readonly string[]): AsyncGenerator<Misindexed> {
    const what = `inspect "${ref.view.name}"`;
    const layout = await guarded(what, () => catalogue.layout(ref));
    const entries =
      ids === undefined
        ? scanEntries(client, layout.index, { term: { k: 'd' } }, true)
        : await guarded(what, () => getAll(layout.index, ids, true));
    for await (const source of guardedEach(what, entries)) {
      const misindexed = inspectEntry(layout, source);
      if (misindexed !== undefined) yield misindexed;
    }
  }

  async function* guardedEach<T>(
    what: string,
    items: AsyncIterable<T> | Iterable<T>,
  ): AsyncGenerator<T> {
    try {
      yield* items;
    } catch (error) {
      throw toStoreFault(error, `cannot ${what}`);
    }
  }

  async function count(ref: GenerationRef): Promise<number> {
    const { index } = await catalogue.layout(ref);
    await refreshIndex(client, index);
    const { count: found } = await client.count({ index, query: { term: { k: 'd' } } });
    return found;
  }

  async function parked(ref: GenerationRef): Promise<readonly ParkedEvent[]> {
    const { index } = await catalogue.layout(ref);
    await refreshIndex(client, index);
    const { hits } = await client.search<Source>({
      index,
      query: { term: { k: 'p' } },
      size: mostParked,
      allow_partial_search_results: false,
    });
    return hits.hits
      .flatMap(({ _source: source }) => (source === undefined ? [] : toParked(source)))
      .sort((a, b) => {
        const order = comparePositions(a.position, b.position);
        return order !== 0 ? order : a.documentId < b.documentId ? -1 : 1;
      });
  }

  return {
    generations: () => guarded('list the generations', catalogue.generations),
    open: (ref, fingerprint) =>
      guarded(`open "${ref.view.name}"`, () => catalogue.open(ref, fingerprint)),
    switchTo: (ref, options) =>
      guarded(`switch "${ref.view.name}"`, () =>
        catalogue.switchTo(ref, options?.backwards === true),
      ),
    drop: (ref) => guarded(`drop a generation of "${ref.view.name}"`, () => catalogue.drop(ref)),
    load: (ref, ids) => guarded(`load from "${ref.view.name}"`, () => load(ref, ids)),
    apply: (batches) => guarded('apply', () => apply(batches)),
    scan,
    inspect,
    lease: (owner, ttlMs) => guarded('take the lease', () => lease(owner, ttlMs)),
    prolong: (owner, ttlMs) => guarded('prolong the lease', () => prolong(owner, ttlMs)),
    leasedBy: () => guarded('read the lease', leasedBy),
    count: (ref) => guarded(`count "${ref.view.name}"`, () => count(ref)),
    parked: (ref) => guarded(`list the parked events of "${ref.view.name}"`, () => parked(ref)),
    heartbeat: (ref, beat) =>
      guarded(`note the heartbeat of "${ref.view.name}"`, async () =>
        heartbeat(await catalogue.layout(ref), beat),
      ),
    [Symbol.asyncDispose]: async () => {
      isClosed = true;
      await client.close();
    },
  };
}
