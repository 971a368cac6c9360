import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, expect, jest, test } from '@jest/globals';
import {
  createElasticsearchReadModelStore,
  createElasticsearchReadModels,
} from '../../src/engines/elasticsearch/read-models.ts';
import { StoreFault } from '../../src/kernel/fault.ts';
import type { GenerationRef, StoredDocument } from '../../src/projection/read-model-store.ts';
import { dropEverything } from '../support/elasticsearch.ts';
import { type Fate, startProxy } from '../support/elasticsearch-proxy.ts';
import { at, batchOf, fingerprint } from '../support/read-models-batches.ts';
import { newView } from '../support/read-models-shelf.ts';

jest.setTimeout(300_000);

const batches = 80;
const indexPrefix = `chaos-${randomUUID().slice(0, 8)}`;

afterAll(() => dropEverything(indexPrefix));

/** Numbers that are the same in every run. */
function numbers(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

test('whatever becomes of requests, a live and a new generation end as they should', async () => {
  await using proxy = await startProxy();
  const options = { url: proxy.url, indexPrefix, requestTimeoutMs: 500 };
  await using store = createElasticsearchReadModelStore(options);
  await using models = createElasticsearchReadModels(options);
  const view = newView();
  const refs: GenerationRef[] = [1, 2].map((generation) => ({ view, generation }));
  const [live, building] = refs as [GenerationRef, GenerationRef];
  await store.open(live, fingerprint);
  await store.switchTo(live);
  await store.open(building, fingerprint);

  const random = numbers(5);
  let calm = false;
  proxy.decide((): Fate => {
    if (calm) return 'pass';
    switch (random(12)) {
      case 0:
        return 'cut';
      case 1:
        return random(4) === 0 ? 'hang' : { status: 503, body: 'Service Unavailable' };
      case 2:
        return { status: 429, body: { error: { type: 'circuit_breaking_exception' } } };
      case 3:
      case 4:
        return { full: () => random(3) === 0 };
      default:
        return 'pass';
    }
  });

  /** As the projector does: again, until it is done. */
  const patiently = async <T>(work: () => Promise<T>): Promise<T> => {
    for (;;) {
      try {
        return await work();
      } catch (error) {
        if (!(error instanceof StoreFault)) throw error;
        expect(['STORE_UNAVAILABLE', 'STORE_BUSY']).toContain(error.code);
        await delay(random(20));
      }
    }
  };

  let written = 0;
  const reading = { goesOn: true };
  const reader = (async () => {
    for (let last = -1n; reading.goesOn; ) {
      const { position } = await patiently(() => models.progress(view));
      expect(position.commit).toBeGreaterThanOrEqual(last);
      last = position.commit;
      const [first] = (await patiently(() => models.list(view, { where: [], limit: 1 }))).items;
      expect(first?.version.commit ?? 0n).toBeLessThanOrEqual(BigInt(written));
      await delay(5);
    }
  })();

  const expected = new Map<string, StoredDocument>();
  for (let batch = 0; batch < batches; batch += 1) {
    const size = 1 + random(batch % 10 === 0 ? 1_500 : 40);
    const documents = Array.from({ length: size }, (): StoredDocument => {
      written += 1;
      const id = `k${random(500)}`;
      const document =
        random(6) === 0 ? undefined : { title: `title ${written}`, quantity: written };
      return { id, version: at(written), document };
    });
    const checkpoint = { position: at(written), storedAt: written };
    const works = refs.map((ref) => ({ ref, batch: batchOf(documents, { checkpoint }) }));
    // Now and then after it has been looked for what there is, as a fold does.
    if (random(2) === 0) {
      const ids = [...new Set(documents.map(({ id }) => id))];
      for (const ref of refs) {
        const found = await patiently(() => store.load(ref, ids));
        expect(found).toEqual(new Map([...expected].filter(([id]) => ids.includes(id))));
      }
    }
    expect(await patiently(() => store.apply(works))).toEqual({ refused: [] });
    for (const document of documents) expected.set(document.id, document);
  }
  reading.goesOn = false;
  await reader;
  calm = true;

  const there = [...expected.values()]
    .filter(({ document }) => document !== undefined)
    .sort((a, b) => (a.id < b.id ? -1 : 1));
  for (const ref of refs) {
    const scanned: StoredDocument[] = [];
    for await (const one of store.scan(ref)) scanned.push(one);
    expect(scanned).toEqual(there);
    for await (const one of store.inspect(ref)) throw new Error(one.documentId);
    expect(await store.count(ref)).toBe(there.length);
    expect(await store.load(ref, [...expected.keys()])).toEqual(expected);
  }
  const infos = (await store.generations()).filter((info) => info.view === view.name);
  expect(infos.map(({ checkpoint }) => checkpoint)).toEqual([at(written), at(written)]);
});
