import { randomUUID } from 'node:crypto';
import { afterAll, describe, expect, jest, test } from '@jest/globals';
import {
  createElasticsearchReadModelStore,
  createElasticsearchReadModels,
} from '../../src/engines/elasticsearch/read-models.ts';
import { start } from '../../src/kernel/position.ts';
import { ask, dropEverything, elasticsearchUrl } from '../support/elasticsearch.ts';
import { at, batchOf, fingerprint } from '../support/read-models-batches.ts';
import { openShelf } from '../support/read-models-shelf.ts';

jest.setTimeout(60_000);

const indexPrefix = `progress-${randomUUID().slice(0, 8)}`;
const options = { url: elasticsearchUrl(), indexPrefix, requestTimeoutMs: 20_000 };

afterAll(() => dropEverything(indexPrefix));

type Entry = { readonly _seq_no: number; readonly _source: { readonly at: string } };

async function open() {
  const store = createElasticsearchReadModelStore(options);
  const models = createElasticsearchReadModels(options);
  const shelf = await openShelf({ store, models });
  const { ref, view } = shelf;
  const index = `${indexPrefix}-${view.name}-1`;
  const upTo = (n: number) => ({ checkpoint: { position: at(n), storedAt: 1_000 + n } });
  const generation = async () => {
    const all = await store.generations();
    return all.find((one) => one.view === view.name)?.checkpoint;
  };
  return {
    store,
    models,
    view,
    ref,
    index,
    generation,
    progress: () => models.progress(view),
    checkpoint: () => ask('GET', `/${index}/_doc/~checkpoint`) as Promise<Entry>,
    /** Batches with one document and without any. */
    put: (n: number) =>
      store.apply([
        { ref, batch: batchOf([{ id: 'a', version: at(n), document: { title: 'a' } }], upTo(n)) },
      ]),
    pass: (n: number) => store.apply([{ ref, batch: batchOf([], upTo(n)) }]),
    [Symbol.asyncDispose]: async () => {
      await store[Symbol.asyncDispose]();
      await models[Symbol.asyncDispose]();
    },
  };
}

describe('how far a live generation is', () => {
  test('moves without a write to its index while nothing comes for it', async () => {
    await using shelf = await open();
    await shelf.put(1);
    const before = await shelf.checkpoint();
    for (const n of [2, 3, 5]) await shelf.pass(n);
    expect(await shelf.progress()).toMatchObject({ position: at(5), asOf: 1_005, generation: 1 });
    expect(await shelf.generation()).toEqual(at(5));
    expect(await shelf.checkpoint()).toEqual(before);
    await shelf.pass(4);
    expect(await shelf.generation()).toEqual(at(5));
    await shelf.put(7);
    expect(await shelf.progress()).toMatchObject({ position: at(7), asOf: 1_007 });
    expect((await shelf.checkpoint())._source.at).toBe('7');
    await using other = createElasticsearchReadModelStore(options);
    const told = (await other.generations()).find((one) => one.view === shelf.view.name);
    expect(told?.checkpoint).toEqual(at(7));
  });

  test('is what its index says where that was put back from before', async () => {
    await using shelf = await open();
    await shelf.put(1);
    const backup = await shelf.checkpoint();
    await shelf.put(5);
    await shelf.pass(9);
    const older = { index: shelf.index, id: '~checkpoint' };
    await ask('PUT', `/${older.index}/_doc/${older.id}`, backup._source);
    expect(await shelf.progress()).toMatchObject({ position: at(1) });
    expect(await shelf.generation()).toEqual(at(1));
    // What goes on all the same goes on from what was there before.
    await shelf.pass(10);
    expect(await shelf.generation()).toEqual(at(1));
  });

  test('is nothing in an index that was made anew', async () => {
    await using shelf = await open();
    await shelf.put(1);
    await shelf.pass(5);
    await ask('DELETE', `/${shelf.index}`);
    const { checkpoint } = await shelf.store.open(shelf.ref, fingerprint);
    expect(checkpoint).toEqual(start);
  });

  test('is told again after the index of progress was deleted by hand', async () => {
    await using shelf = await open();
    const beat = { at: 7, lagSeconds: 0, parkedDocuments: 0 };
    await shelf.put(1);
    await shelf.pass(5);
    await shelf.store.heartbeat(shelf.ref, beat);
    await ask('DELETE', `/${indexPrefix}.progress`);
    expect(await shelf.progress()).toMatchObject({ position: at(1), heartbeatAt: 0 });
    await expect(shelf.store.heartbeat(shelf.ref, beat)).rejects.toThrow('the index is not there');
    await shelf.store.heartbeat(shelf.ref, beat);
    await shelf.pass(6);
    expect(await shelf.progress()).toMatchObject({ position: at(6), heartbeatAt: 7 });
  });
});
