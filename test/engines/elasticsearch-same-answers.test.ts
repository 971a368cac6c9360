import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import fc from 'fast-check';
import {
  createElasticsearchReadModelStore,
  createElasticsearchReadModels,
} from '../../src/engines/elasticsearch/read-models.ts';
import {
  createSqliteReadModelStore,
  createSqliteReadModels,
} from '../../src/engines/sqlite/read-models.ts';
import type { JsonObject } from '../../src/kernel/json.ts';
import type { Condition } from '../../src/read/read-models.ts';
import { dropEverything, elasticsearchUrl } from '../support/elasticsearch.ts';
import { goOn, newView, openShelf, pagesOf, type Shelf } from '../support/read-models-shelf.ts';
import { temporaryFolder } from '../support/temporary.ts';

// The same documents in both engines: what is asked has to have the same answer, in the same order,
// with the same scores, to the last bit.

jest.setTimeout(300_000);

const indexPrefix = `same-${randomUUID().slice(0, 8)}`;

const words = fc.constantFrom(
  ...['alpha', 'alphabet', 'alpine', 'beta', 'betas', 'bête', 'gamma', 'gama', 'Zürich', 'zurich'],
  ...['momentum', 'momentums', 'momemtum', 'straße', 'strasse', 'Łódź', 'naïve', 'x', '20', '2020'],
  ...['ﬁnance', 'Ελλάς', 'ελλας', 'и', 'й', '東京', '½', 'İstanbul', 'a\u0301b', '🚀', '\ud800'],
);
const separators = fc.constantFrom(' ', ' ', '  ', '-', ', ', '\n', '/', ' & ', '.', '\u0000', '’');
const texts = fc
  .array(fc.tuple(words, separators), { maxLength: 12 })
  .map((parts) => parts.flat().join(''));

const document = fc.record(
  {
    owner: fc.constantFrom('ann', 'bob', 'Ann', '\ud800', 'z\u{1f680}', 'z\uffee'),
    title: texts,
    notes: texts,
    price: fc.constantFrom('0', '-0.0', '1.50', '1.5', '-1.05', '10', '9.99', '1'),
    quantity: fc.constantFrom(-(2 ** 53 - 1), -1, 0, 1, 2 ** 53 - 1),
    at: fc.integer({ min: -5, max: 5 }),
    active: fc.boolean(),
    status: fc.constantFrom('OPEN', 'DONE', '', 'é', 'z\uffee'),
    tags: fc.array(fc.constantFrom('x', 'y', 'z'), { maxLength: 4 }),
    levels: fc.array(fc.constantFrom('-1', '0', '2.5', '10'), { maxLength: 3 }),
  },
  { requiredKeys: [] },
);

const condition: fc.Arbitrary<Condition> = fc.oneof(
  fc.record({ field: fc.constant('owner'), in: fc.subarray(['ann', 'bob', '\ud800']) }),
  fc.record({ field: fc.constant('title'), from: words }),
  fc.record({ field: fc.constant('status'), notIn: fc.subarray(['OPEN', 'DONE', '']) }),
  fc.record({ field: fc.constant('active'), notIn: fc.constant([true]) }),
  fc.record({ field: fc.constant('price'), from: fc.constantFrom('-1.05', '0', '1.5') }),
  fc.record({ field: fc.constant('levels'), until: fc.constantFrom('0.0', '2.5') }),
  fc.record({ field: fc.constant('at'), from: fc.integer({ min: -5, max: 5 }) }),
  fc.record({ field: fc.constant('tags'), in: fc.subarray(['x', 'y']) }),
);
const where = fc.array(condition, { maxLength: 2 });

const questions = fc
  .array(fc.tuple(words, fc.integer({ min: 1, max: 9 })), { maxLength: 3 })
  .map((parts) => parts.map(([word, length]) => word.slice(0, length)).join(' '));

describe('Elasticsearch and SQLite', () => {
  const path = join(temporaryFolder(), 'views.db');
  const options = { url: elasticsearchUrl(), indexPrefix, requestTimeoutMs: 30_000 };
  const stores = {
    elastic: createElasticsearchReadModelStore(options),
    sqlite: createSqliteReadModelStore({ path }),
  };
  const models = {
    elastic: createElasticsearchReadModels(options),
    sqlite: createSqliteReadModels({ path }),
  };
  let elastic: Shelf;
  let sqlite: Shelf;
  let all: Readonly<Record<string, JsonObject>>;

  beforeAll(async () => {
    const view = newView();
    elastic = await openShelf({ store: stores.elastic, models: models.elastic }, view);
    sqlite = await openShelf({ store: stores.sqlite, models: models.sqlite }, view);
    const samples = fc.sample(document, { numRuns: 400, seed: 42 });
    all = Object.fromEntries(
      samples.map((one, i) => [`${['k', 'é', '京', '\uffee', '~'][i % 5]}${i}`, one]),
    );
    await elastic.put(all);
    await sqlite.put(all);
  });
  afterAll(async () => {
    for (const one of [...Object.values(stores), ...Object.values(models)]) {
      await one[Symbol.asyncDispose]();
    }
    await dropEverything(indexPrefix);
  });

  test('have the same documents', async () => {
    const scanned = [];
    for await (const one of stores.elastic.scan(elastic.ref)) scanned.push(one);
    const expected = [];
    for await (const one of stores.sqlite.scan(sqlite.ref)) expected.push(one);
    expect(scanned).toEqual(expected);
    expect(scanned).toHaveLength(400);
    for await (const one of stores.elastic.inspect(elastic.ref)) throw new Error(one.documentId);
  });

  test('find the same, in the same order, with the same scores, highlights and facets', () =>
    fc.assert(
      fc.asyncProperty(questions, where, async (text, conditions) => {
        const facets = ['status', 'tags', 'active'];
        const request = { where: conditions, facets, limit: 500 };
        const expected = await sqlite.search(text, request);
        expect(await elastic.search(text, request)).toEqual(expected);
      }),
      { numRuns: 300 },
    ));

  test('page through the same', () =>
    fc.assert(
      fc.asyncProperty(questions, where, async (text, conditions) => {
        const ask = (shelf: Shelf) => async (after: string | undefined) =>
          shelf.search(text, { where: conditions, limit: 40, ...goOn(after) });
        const ids = async (shelf: Shelf) =>
          (await pagesOf(ask(shelf))).map((page) => page.map(({ id, score }) => [id, score]));
        expect(await ids(elastic)).toEqual(await ids(sqlite));
      }),
      { numRuns: 30 },
    ));

  test('list the same by every sort', () =>
    fc.assert(
      fc.asyncProperty(
        where,
        fc.constantFrom(undefined, 'title', 'price', 'quantity', 'at', 'status'),
        fc.boolean(),
        fc.integer({ min: 20, max: 500 }),
        async (conditions, field, descending, limit) => {
          const sort = field === undefined ? {} : { sort: { field, descending } };
          const ask = (shelf: Shelf) => async (after: string | undefined) =>
            shelf.list({ where: conditions, ...sort, limit, ...goOn(after) });
          expect(await pagesOf(ask(elastic))).toEqual(await pagesOf(ask(sqlite)));
        },
      ),
      { numRuns: 150 },
    ));
});
