import { randomUUID } from 'node:crypto';
import { afterAll, describe, expect, jest, test } from '@jest/globals';
import {
  createElasticsearchReadModelStore,
  createElasticsearchReadModels,
} from '../../src/engines/elasticsearch/read-models.ts';
import type { JsonObject } from '../../src/kernel/json.ts';
import { ask, dropEverything } from '../support/elasticsearch.ts';
import { startProxy } from '../support/elasticsearch-proxy.ts';
import { batchOf } from '../support/read-models-batches.ts';
import { goOn, openShelf, pagesOf } from '../support/read-models-shelf.ts';

jest.setTimeout(120_000);

const indexPrefix = `paging-${randomUUID().slice(0, 8)}`;

afterAll(() => dropEverything(indexPrefix));

/** Thirty documents, sorted by a number that is their own. */
async function open() {
  const proxy = await startProxy();
  const options = { url: proxy.url, indexPrefix, requestTimeoutMs: 20_000 };
  const store = createElasticsearchReadModelStore(options);
  const models = createElasticsearchReadModels(options);
  const shelf = await openShelf({ store, models });
  const id = (n: number) => `k${String(n).padStart(2, '0')}`;
  const all = Array.from(
    { length: 30 },
    (_, n) => [id(n), { title: 'alpha', quantity: n }] as const,
  );
  await shelf.put(Object.fromEntries(all) as Record<string, JsonObject>);
  const sort = { field: 'quantity', descending: false };
  return {
    ...shelf,
    proxy,
    store,
    models,
    id,
    listed: (after: string | undefined, limit = 10) => {
      return models.list(shelf.view, { where: [], sort, limit, ...goOn(after) });
    },
    /** Each document moves by half of all: those on the pages to come were on those before. */
    move: () =>
      shelf.put(
        Object.fromEntries(
          all.map(([key, { quantity }]) => [key, { quantity: (quantity + 15) % 30 }]),
        ),
      ),
    searchesIn: (what: 'snapshots' | 'present') =>
      proxy.seen.filter(({ path }) =>
        what === 'snapshots' ? path === '/_search' : /^\/.+\/_search$/.test(path),
      ).length,
    [Symbol.asyncDispose]: async () => {
      proxy.decide(() => 'pass');
      await store[Symbol.asyncDispose]();
      await models[Symbol.asyncDispose]();
      await proxy[Symbol.asyncDispose]();
    },
  };
}

async function openPoints(): Promise<number> {
  const stats = (await ask('GET', '/_nodes/stats/indices/search')) as {
    nodes: Record<string, { indices: { search: { open_contexts: number } } }>;
  };
  return Object.values(stats.nodes).reduce(
    (sum, { indices }) => sum + indices.search.open_contexts,
    0,
  );
}

const ids = (items: readonly { readonly id: string }[]) => items.map(({ id }) => id);

describe('pages', () => {
  test('from the second on come from one state, whatever changes, and leave nothing open', async () => {
    await using shelf = await open();
    const before = await openPoints();
    const first = await shelf.listed(undefined);
    const second = await shelf.listed(first.next);
    await shelf.move();
    await shelf.models.refresh(shelf.view);
    expect(await openPoints()).toBe(before + 1);
    const third = await shelf.listed(second.next);
    const seen = [first, second, third].flatMap(({ items }) => ids(items));
    expect(seen).toEqual(Array.from({ length: 30 }, (_, n) => shelf.id(n)));
    expect(third.next).toBeUndefined();
    expect(await openPoints()).toBe(before);
    expect(ids((await shelf.listed(undefined)).items)[0]).toBe('k15');
  });

  test('go on in the present where the server has let go of the state', async () => {
    await using shelf = await open();
    const pages = await pagesOf(
      (after) => shelf.listed(after, 7),
      async () => {
        const missing = { type: 'search_context_missing_exception', reason: 'No search context' };
        const body = { error: { type: 'search_phase_execution_exception', root_cause: [missing] } };
        let lost = false;
        shelf.proxy.decide(({ path }) => {
          if (path !== '/_search' || lost) return 'pass';
          lost = true;
          return { status: 404, body };
        });
      },
    );
    expect(ids(pages.flat())).toEqual(Array.from({ length: 30 }, (_, n) => shelf.id(n)));
  });

  test('go on at another server, which does not know the state', async () => {
    await using shelf = await open();
    const options = { url: shelf.proxy.url, indexPrefix, requestTimeoutMs: 20_000 };
    await using other = createElasticsearchReadModels(options);
    const servers = [shelf.models, other];
    let turn = 0;
    const pages = await pagesOf((after) => {
      turn += 1;
      const models = servers[turn % 2] ?? other;
      const sort = { field: 'quantity', descending: true };
      return models.list(shelf.view, { where: [], sort, limit: 4, ...goOn(after) });
    });
    expect(ids(pages.flat())).toEqual(Array.from({ length: 30 }, (_, n) => shelf.id(29 - n)));
  });

  test('go on in the generation that has gone live', async () => {
    await using shelf = await open();
    const { store, models, view, listed } = shelf;
    const second = await listed((await listed(undefined)).next);
    const next = { view, generation: 2 };
    await store.open(next, 'new');
    const documents = Array.from({ length: 31 }, (_, n) => {
      const version = { commit: BigInt(n), prepare: BigInt(n) };
      return { id: shelf.id(n), version, document: { quantity: n } };
    });
    await store.apply([{ ref: next, batch: batchOf(documents) }]);
    await store.switchTo(next);
    await models.refresh(view);
    expect(ids((await listed(second.next, 20)).items).at(-1)).toBe(shelf.id(30));
  });

  test('a first page opens nothing', async () => {
    await using shelf = await open();
    await shelf.listed(undefined);
    await shelf.search('alpha', { limit: 10 });
    expect(shelf.searchesIn('snapshots')).toBe(0);
    expect(shelf.proxy.seen.some(({ path }) => path.endsWith('/_pit'))).toBe(false);
  });
});

describe('many documents', () => {
  test('are given at once, though Elasticsearch gives 10,000 at most; a scan gives all', async () => {
    await using shelf = await open();
    const count = 12_000;
    const things = Array.from({ length: count }, (_, n) => [
      `n${n}`,
      { title: n % 3 === 0 ? 'beta' : 'beta gamma', quantity: n, status: `s${n % 2}` },
    ]);
    await shelf.put(Object.fromEntries(things));
    const where = [{ field: 'status', in: ['s0', 's1'] }];
    const sort = { field: 'quantity', descending: true };
    const listed = await shelf.list({ where, sort, limit: count });
    expect(ids(listed.items)).toEqual(Array.from({ length: count }, (_, n) => `n${count - 1 - n}`));
    expect(listed.next).toBeUndefined();
    const found = await shelf.search('beta', { limit: count, facets: ['status'] });
    expect(found.total).toBe(count);
    expect(new Set(ids(found.items)).size).toBe(count);
    expect(found.facets[0]?.buckets).toEqual([
      { value: 's0', count: count / 2 },
      { value: 's1', count: count / 2 },
    ]);
    const scanned: string[] = [];
    for await (const { id } of shelf.store.scan(shelf.ref)) scanned.push(id);
    expect(scanned).toHaveLength(count + 30);
    expect(scanned).toEqual(scanned.toSorted());
  });

  test('a scan that the server has let go of goes on', async () => {
    await using shelf = await open();
    await shelf.put(Object.fromEntries(Array.from({ length: 500 }, (_, n) => [`n${n}`, {}])));
    let pages = 0;
    shelf.proxy.decide(({ path }) => {
      if (path !== '/_search') return 'pass';
      pages += 1;
      if (pages !== 2) return 'pass';
      return { status: 404, body: { error: { type: 'search_context_missing_exception' } } };
    });
    const scanned: string[] = [];
    for await (const { id } of shelf.store.scan(shelf.ref)) scanned.push(id);
    expect(scanned).toHaveLength(530);
    expect(new Set(scanned).size).toBe(530);
    expect(pages).toBeGreaterThan(2);
  });
});
