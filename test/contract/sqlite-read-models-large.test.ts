import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import {
  createSqliteReadModelStore,
  createSqliteReadModels,
} from '../../src/engines/sqlite/read-models.ts';
import type { JsonObject } from '../../src/kernel/json.ts';
import type { Condition, FoundDocument } from '../../src/read/read-models.ts';
import { goOn, openShelf, pagesOf, type Shelf } from '../support/read-models-shelf.ts';
import { temporaryFolder } from '../support/temporary.ts';

// So many documents that no condition leaves only a few: lists go along an index, searches begin
// with the words.

const count = 12_000;
const words = ['alpha', 'alphabet', 'alpine', 'beta', 'bravo', 'gamma', 'zürich'];

function thing(i: number): JsonObject {
  const pick = (n: number) => words[(i * n) % words.length] ?? '';
  return {
    owner: i % 11 === 0 ? 'few' : i % 2 === 0 ? 'ann' : 'bob',
    title: `${pick(3)} ${pick(i % 5)}`,
    status: i % 3 === 0 ? 'OPEN' : 'DONE',
    ...(i % 7 === 0 ? {} : { quantity: i % 40 }),
    price: `${(i * 7919) % 1000}.${i % 10}`,
    tags: i % 4 === 0 ? ['x'] : ['x', 'y'],
  };
}

describe('read models in SQLite, many of them', () => {
  const path = join(temporaryFolder(), 'views.db');
  const all = new Map(Array.from({ length: count }, (_, i) => [`k${i}`, thing(i)]));

  async function withShelf(work: (shelf: Shelf) => Promise<void>): Promise<void> {
    await using store = createSqliteReadModelStore({ path });
    await using models = createSqliteReadModels({ path });
    const shelf = await openShelf({ store, models });
    await shelf.put(Object.fromEntries(all));
    await work(shelf);
  }

  const idsOf = (test: (document: JsonObject) => boolean) =>
    [...all].flatMap(([id, document]) => (test(document) ? id : [])).sort();

  const conditions: readonly (readonly [Condition, (document: JsonObject) => boolean])[] = [
    [{ field: 'owner', in: ['ann', 'bob'] }, ({ owner }) => owner !== 'few'],
    [{ field: 'status', notIn: ['OPEN'] }, ({ status }) => status === 'DONE'],
    [{ field: 'quantity', from: 5 }, ({ quantity }) => Number(quantity ?? -1) >= 5],
    [{ field: 'tags', in: ['x', 'y'] }, () => true],
    [{ field: 'tags', notIn: ['y'] }, ({ tags }) => (tags as string[]).length === 1],
  ];

  test('lists are the same as of few', () =>
    withShelf(async ({ list }) => {
      const ids = (found: readonly FoundDocument[][]) => found.flat().map(({ id }) => id);
      for (const [condition, test] of conditions) {
        const ask = (after?: string) => list({ where: [condition], limit: 5_000, ...goOn(after) });
        expect(ids(await pagesOf(ask))).toEqual(idsOf(test));
        for (const descending of [true, false]) {
          const sort = { field: 'quantity', descending };
          const asked = { where: [condition], sort, limit: 5_000 };
          const found = await pagesOf((after) => list({ ...asked, ...goOn(after) }));
          const sign = descending ? -1 : 1;
          const value = (id: string) => sign * Number(all.get(id)?.quantity ?? sign * 1e9);
          const expected = idsOf(test).sort((a, b) => value(a) - value(b) || (a < b ? -1 : 1));
          expect(ids(found)).toEqual(expected);
        }
      }
      const owned = { where: [{ field: 'owner', in: ['ann'] }], limit: 700 };
      const sort = { field: 'title', descending: true };
      const found = await pagesOf((after) => list({ ...owned, sort, ...goOn(after) }));
      expect(ids(found).toSorted()).toEqual(idsOf(({ owner }) => owner === 'ann'));
    }));

  test('searches are the same as of few', () =>
    withShelf(async ({ search }) => {
      const facets = ['status', 'tags'];
      for (const text of ['alpha', 'al be', 'zurich alpine', 'alphabbet', 'gamma alphas', '']) {
        const free = await search(text, { limit: count });
        expect(free.total).toBe(free.items.length);
        const first = await search(text, { limit: 10 });
        expect(first.items).toEqual(free.items.slice(0, 10));
        const scores = new Map(free.items.map(({ id, score }) => [id, score]));
        for (const [condition, test] of conditions) {
          const narrow = await search(text, { where: [condition], facets, limit: count });
          const expected = free.items.filter(({ document }) => test(document));
          expect(narrow.items.map(({ id }) => id)).toEqual(expected.map(({ id }) => id));
          expect(narrow.total).toBe(expected.length);
          expect(narrow.items.every(({ id, score }) => scores.get(id) === score)).toBe(true);
          const open = expected.filter(({ document }) => document.status === 'OPEN').length;
          const counts = narrow.facets[0]?.buckets.find(({ value }) => value === 'OPEN')?.count;
          expect(counts ?? 0).toBe(open);
          const elements = narrow.facets[1]?.buckets.find(({ value }) => value === 'x')?.count;
          expect(elements ?? 0).toBe(expected.length);
        }
        const few = await search(text, { where: [{ field: 'owner', in: ['few'] }], limit: count });
        const fewer = free.items.filter(({ document }) => document.owner === 'few');
        expect(few.items.map(({ id }) => id)).toEqual(fewer.map(({ id }) => id));
      }
    }));
});
