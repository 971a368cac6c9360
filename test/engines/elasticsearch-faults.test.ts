import { randomUUID } from 'node:crypto';
import { afterAll, describe, expect, jest, test } from '@jest/globals';
import {
  createElasticsearchReadModelStore,
  createElasticsearchReadModels,
} from '../../src/engines/elasticsearch/read-models.ts';
import { StoreFault } from '../../src/kernel/fault.ts';
import { start } from '../../src/kernel/position.ts';
import { ask, dropEverything, elasticsearchUrl } from '../support/elasticsearch.ts';
import { startProxy } from '../support/elasticsearch-proxy.ts';
import { at, batchOf, fingerprint } from '../support/read-models-batches.ts';
import { newView, openShelf } from '../support/read-models-shelf.ts';

jest.setTimeout(120_000);

const indexPrefix = `faults-${randomUUID().slice(0, 8)}`;
const usual = { indexPrefix, requestTimeoutMs: 20_000 };

afterAll(() => dropEverything(indexPrefix));

/** The two ports, and a view with a live generation, through a proxy. */
async function open(options: Partial<typeof usual> = {}) {
  const proxy = await startProxy();
  const all = { ...usual, ...options, url: proxy.url };
  const store = createElasticsearchReadModelStore(all);
  const models = createElasticsearchReadModels(all);
  const shelf = await openShelf({ store, models });
  const index = `${indexPrefix}-${shelf.view.name}-1`;
  const titled = (id: string, n: number, title: string = id) => {
    return { id, version: at(n), document: { title } };
  };
  const upTo = (n: number) => ({ checkpoint: { position: at(n), storedAt: n } });
  return {
    ...shelf,
    proxy,
    store,
    models,
    index,
    titled,
    upTo,
    checkpoint: async () => (await models.progress(shelf.view)).position,
    [Symbol.asyncDispose]: async () => {
      proxy.decide(() => 'pass');
      await store[Symbol.asyncDispose]();
      await models[Symbol.asyncDispose]();
      await proxy[Symbol.asyncDispose]();
    },
  };
}

async function faultOf(work: Promise<unknown>): Promise<StoreFault> {
  const error = await work.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (error instanceof StoreFault) return error;
  throw new Error(`no fault, but ${String(error)}`);
}

type Definition = { readonly aliases: object; readonly mappings: object };

const settings = (index: string, blocks: object) =>
  ask('PUT', `/${index}/_settings`, { index: { blocks } });

describe('an Elasticsearch that is not there', () => {
  test('is unavailable, to both ports, and that is told before long', async () => {
    const all = { ...usual, url: 'http://127.0.0.1:9' };
    await using store = createElasticsearchReadModelStore(all);
    await using models = createElasticsearchReadModels(all);
    const view = newView();
    const ref = { view, generation: 1 };
    const works = [
      store.generations(),
      store.open(ref, fingerprint),
      store.load(ref, ['a']),
      store.apply([{ ref, batch: batchOf([]) }]),
      store.lease('one', 1_000),
      models.progress(view),
      models.get(view, 'a'),
      models.list(view, { where: [], limit: 1 }),
      models.search(view, { text: 'a', where: [], facets: [], limit: 1 }),
      models.refresh(view),
    ];
    for (const fault of await Promise.all(works.map(faultOf))) {
      expect(fault.code).toBe('STORE_UNAVAILABLE');
      expect(fault.message).toMatch(/^cannot .*Elasticsearch cannot be reached/);
    }
  });

  test('hangs: the time-out ends it, and what was asked for goes well afterwards', async () => {
    await using shelf = await open({ requestTimeoutMs: 1_000 });
    const { proxy, ref, store, models, view, titled, upTo } = shelf;
    proxy.decide(() => 'hang');
    const batch = batchOf([titled('a', 1)], upTo(1));
    const works = [store.apply([{ ref, batch }]), models.get(view, 'a'), models.refresh(view)];
    for (const fault of await Promise.all(works.map(faultOf))) {
      expect(fault.code).toBe('STORE_UNAVAILABLE');
      expect(fault.message).toContain('did not answer in time');
    }
    proxy.decide(() => 'pass');
    await store.apply([{ ref, batch }]);
    expect(await shelf.ids()).toEqual(['a']);
    expect(await shelf.checkpoint()).toEqual(at(1));
  });

  test('is closed: neither port answers', async () => {
    const all = { ...usual, url: elasticsearchUrl() };
    const store = createElasticsearchReadModelStore(all);
    const models = createElasticsearchReadModels(all);
    await store.generations();
    await store[Symbol.asyncDispose]();
    await models[Symbol.asyncDispose]();
    expect((await faultOf(store.generations())).code).toBe('STORE_CLOSED');
    expect((await faultOf(models.get(newView(), 'a'))).code).toBe('STORE_CLOSED');
  });
});

describe('an Elasticsearch under load', () => {
  test('is sent again only what it had no room for, and nothing later overtakes it', async () => {
    await using shelf = await open();
    const { proxy, ref, store, titled, upTo } = shelf;
    let refusals = 3;
    proxy.decide(({ path, body }) => {
      if (path !== '/_bulk' || body.includes('~checkpoint') || refusals === 0) return 'pass';
      refusals -= 1;
      return { full: (_, id) => id === 'b' };
    });
    const documents = [titled('a', 1), titled('b', 2, 'old'), titled('c', 3)];
    const before = proxy.seen.length;
    const first = store.apply([{ ref, batch: batchOf(documents, upTo(3)) }]);
    await first;
    await store.apply([{ ref, batch: batchOf([titled('b', 4, 'new')], upTo(4)) }]);
    const bulks = proxy.seen.slice(before).filter(({ path }) => path === '/_bulk');
    const ids = bulks.map(({ body }) => [...body.matchAll(/"_id":"(.*?)"/g)].map(([, id]) => id));
    expect(ids).toEqual([
      ['a', 'b', 'c'],
      ['b'],
      ['b'],
      ['b'],
      ['~checkpoint'],
      ['b'],
      ['~checkpoint'],
    ]);
    expect(await shelf.found('new')).toEqual(['b']);
    expect(await shelf.checkpoint()).toEqual(at(4));
  });

  test('is busy when it has no room for too long: the checkpoint stays, the rest is there', async () => {
    await using shelf = await open();
    const { proxy, ref, store, titled, upTo } = shelf;
    proxy.decide(({ path }) => (path === '/_bulk' ? { full: (_, id) => id === 'b' } : 'pass'));
    const batch = batchOf([titled('a', 1), titled('b', 2)], upTo(2));
    const fault = await faultOf(store.apply([{ ref, batch }]));
    expect(fault.code).toBe('STORE_BUSY');
    expect(await shelf.checkpoint()).toEqual(start);
    proxy.decide(() => 'pass');
    expect((await store.apply([{ ref, batch }])).refused).toEqual([]);
    expect(await shelf.ids()).toEqual(['a', 'b']);
    expect(await shelf.checkpoint()).toEqual(at(2));
  });

  test('turns a whole request away, and takes it later', async () => {
    await using shelf = await open();
    const { proxy, ref, store, titled, upTo } = shelf;
    let refusals = 2;
    const error = { type: 'circuit_breaking_exception', reason: 'Data too large' };
    proxy.decide(({ path }) => {
      if (path !== '/_bulk' || refusals === 0) return 'pass';
      refusals -= 1;
      return { status: refusals === 1 ? 429 : 503, body: { error, status: 429 } };
    });
    await store.apply([{ ref, batch: batchOf([titled('a', 1)], upTo(1)) }]);
    expect(await shelf.ids()).toEqual(['a']);
  });

  test('takes a request that is too large in parts, and parks a document that is', async () => {
    await using shelf = await open();
    const { proxy, ref, store, titled, upTo } = shelf;
    const tooLarge = { status: 413, body: 'Request Entity Too Large' };
    proxy.decide(({ path, body }) =>
      path === '/_bulk' && (body.split('\n').length > 5 || body.includes('"_id":"huge"'))
        ? tooLarge
        : 'pass',
    );
    const documents = ['a', 'b', 'huge', 'd', 'e'].map((id, i) => titled(id, i + 1));
    const { refused } = await store.apply([{ ref, batch: batchOf(documents, upTo(5)) }]);
    expect(refused).toEqual([{ ref, documentId: 'huge', error: expect.stringContaining('413') }]);
    expect(await shelf.ids()).toEqual(['a', 'b', 'd', 'e']);
    expect(await shelf.checkpoint()).toEqual(start);
  });

  test('an answer that is lost is no harm: the repetition finds it written', async () => {
    await using shelf = await open();
    const { proxy, ref, store, titled, upTo } = shelf;
    const batch = batchOf([titled('a', 1), titled('b', 2)], upTo(2));
    for (const lost of [/"_id":"a"/, /"_id":"~checkpoint"/]) {
      proxy.decide(({ path, body }) => (path === '/_bulk' && lost.test(body) ? 'cut' : 'pass'));
      expect((await faultOf(store.apply([{ ref, batch }]))).code).toBe('STORE_UNAVAILABLE');
    }
    proxy.decide(() => 'pass');
    expect((await store.apply([{ ref, batch }])).refused).toEqual([]);
    expect(await shelf.ids()).toEqual(['a', 'b']);
    expect(await store.count(ref)).toBe(2);
    expect(await shelf.checkpoint()).toEqual(at(2));
  });
});

describe('an index that is in trouble', () => {
  test('is full at the flood stage of the disk: queries go on, and so does it when there is room', async () => {
    await using shelf = await open();
    const { ref, store, models, view, index, titled, upTo } = shelf;
    await store.apply([{ ref, batch: batchOf([titled('a', 1)], upTo(1)) }]);
    await settings(index, { read_only_allow_delete: true });
    const batch = batchOf([titled('b', 2)], upTo(2));
    const fault = await faultOf(store.apply([{ ref, batch }]));
    expect(fault.code).toBe('STORE_FULL');
    expect(fault.message).toContain(index);
    expect(fault.message).toContain('until there is room');
    expect((await models.get(view, 'a'))?.document).toEqual({ title: 'a' });
    expect(await shelf.ids()).toEqual(['a']);
    await settings(index, { read_only_allow_delete: null });
    await store.apply([{ ref, batch }]);
    expect(await shelf.ids()).toEqual(['a', 'b']);
  });

  test('is read-only', async () => {
    await using shelf = await open();
    const { ref, store, index, titled, upTo } = shelf;
    for (const block of ['write', 'read_only']) {
      await settings(index, { [block]: true });
      const batch = batchOf([titled('a', 1)], upTo(1));
      const fault = await faultOf(store.apply([{ ref, batch }]));
      expect(fault.code).toBe('STORE_READ_ONLY');
      expect(fault.message).toContain(index);
      expect(await shelf.ids()).toEqual([]);
      await settings(index, { [block]: null });
    }
  });

  test('is red: its shard is nowhere, until it is', async () => {
    await using shelf = await open();
    const { ref, store, models, view, index, titled, upTo } = shelf;
    await store.apply([{ ref, batch: batchOf([titled('a', 1)], upTo(1)) }]);
    const { [index]: made } = (await ask('GET', `/${index}`)) as Record<string, Definition>;
    await ask('DELETE', `/${index}`);
    const nowhere = { 'index.routing.allocation.require._name': 'nowhere' };
    const { aliases, mappings } = made as Definition;
    const definition = { aliases, mappings, settings: nowhere };
    await ask('PUT', `/${index}?wait_for_active_shards=0`, definition);
    const works = [
      store.generations(),
      store.load(ref, ['a']),
      store.count(ref),
      store.parked(ref),
      store.scan(ref)[Symbol.asyncIterator]().next(),
      store.apply([{ ref, batch: batchOf([titled('b', 2)], upTo(2)) }]),
      models.progress(view),
      models.get(view, 'a'),
      models.list(view, { where: [], limit: 1 }),
      models.search(view, { text: 'a', where: [], facets: [], limit: 1 }),
      models.refresh(view),
    ];
    for (const fault of await Promise.all(works.map(faultOf))) {
      expect(fault.code).toBe('STORE_UNAVAILABLE');
      expect(fault.message).toContain(view.name);
    }
    const anywhere = { 'index.routing.allocation.require._name': null };
    await ask('PUT', `/${index}/_settings`, anywhere);
    await ask('GET', `/_cluster/health/${index}?wait_for_status=yellow`);
    await store.apply([{ ref, batch: batchOf([titled('b', 2)], upTo(2)) }]);
    expect(await shelf.ids()).toEqual(['b']);
  });

  test('is deleted by hand: nothing makes it anew but its projector', async () => {
    await using shelf = await open();
    const { ref, store, models, view, index, titled, upTo } = shelf;
    await store.apply([{ ref, batch: batchOf([titled('a', 1)], upTo(1)) }]);
    await models.list(view, { where: [], limit: 1 });
    await ask('DELETE', `/${index}`);
    const writes = [
      store.apply([{ ref, batch: batchOf([titled('b', 2)], upTo(2)) }]),
      store.load(ref, ['a']),
      store.count(ref),
      store.switchTo(ref),
    ];
    for (const fault of await Promise.all(writes.map(faultOf))) {
      expect(fault.code).toBe('STORE_FAILED');
      expect(fault.message).toContain(index);
      expect(fault.message).toMatch(/the index is not there|there is no index/);
    }
    const reads = [
      models.progress(view),
      models.get(view, 'a'),
      models.list(view, { where: [], limit: 1 }),
      models.search(view, { text: 'a', where: [], facets: [], limit: 1 }),
      models.refresh(view),
    ];
    for (const fault of await Promise.all(reads.map(faultOf))) {
      expect(fault.code).toBe('STORE_UNAVAILABLE');
      expect(fault.message).toContain('no live generation');
    }
    await expect(ask('GET', `/${index}`)).rejects.toThrow('404');
    expect((await store.generations()).filter((one) => one.view === view.name)).toEqual([]);

    expect(await store.open(ref, fingerprint)).toMatchObject({ checkpoint: start });
    await store.apply([{ ref, batch: batchOf([titled('a', 1), titled('b', 2)], upTo(2)) }]);
    await store.switchTo(ref);
    expect(await shelf.ids()).toEqual(['a', 'b']);
  });

  test('has another mapping: its documents are refused, without their values', async () => {
    await using shelf = await open();
    const { ref, store, index, titled, upTo } = shelf;
    await store.apply([{ ref, batch: batchOf([titled('a', 1)]) }]);
    await ask('DELETE', `/${index}`);
    await ask('PUT', `/${index}`, {
      aliases: { [`${index}-write`]: {} },
      mappings: { properties: { f: { properties: { title: { type: 'long' } } } } },
    });
    const batch = batchOf([titled('a', 1, 'secret')], upTo(1));
    const { refused } = await store.apply([{ ref, batch }]);
    expect(refused).toHaveLength(1);
    expect(refused[0]?.error).toMatch(/^Elasticsearch refuses the document, at the field "title"/);
    expect(refused[0]?.error).not.toContain('secret');
    const fault = await faultOf(store.open(ref, fingerprint));
    expect(fault.code).toBe('STORE_FAILED');
    expect(fault.message).toContain(`the index "${index}" is none of ours`);
  });
});
