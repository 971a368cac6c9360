import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { compare, decimal } from '../../src/kernel/decimal.ts';
import type { JsonObject } from '../../src/kernel/json.ts';
import type { Condition } from '../../src/read/read-models.ts';
import { goOn, openShelf, pagesOf, type ReadModelsUnderTest } from './read-models-shelf.ts';

const digits = (maxLength: number) =>
  fc.string({ unit: fc.constantFrom(...'0123456789'), maxLength });

const decimals = fc.tuple(fc.boolean(), digits(6), digits(6)).map(([negative, whole, part]) => {
  return `${negative ? '-' : ''}${whole === '' ? '0' : whole}${part === '' ? '' : `.${part}`}`;
});

const document = fc.record(
  {
    owner: fc.constantFrom('ann', 'bob'),
    status: fc.constantFrom('OPEN', 'DONE'),
    price: decimals,
    quantity: fc.integer({ min: -3, max: 3 }),
    tags: fc.uniqueArray(fc.constantFrom('x', 'y', 'z')),
  },
  { requiredKeys: [] },
);

type Thing = JsonObject & { price?: string; quantity?: number; tags?: string[] };

const condition: fc.Arbitrary<Condition> = fc.oneof(
  fc.record({ field: fc.constant('owner'), in: fc.subarray(['ann', 'bob']) }),
  fc.record({ field: fc.constant('status'), notIn: fc.subarray(['OPEN', 'DONE']) }),
  fc.record({ field: fc.constant('price'), from: decimals, until: decimals }),
  fc.record({ field: fc.constant('quantity'), from: fc.integer({ min: -3, max: 3 }) }),
  fc.record({ field: fc.constant('tags'), in: fc.subarray(['x', 'y', 'z']) }),
);

const sort = fc.option(
  fc.record({
    field: fc.constantFrom('price', 'quantity', 'status'),
    descending: fc.boolean(),
  }),
  { nil: undefined },
);

const order = (field: string, a: unknown, b: unknown) =>
  field === 'price'
    ? compare(decimal(String(a)), decimal(String(b)))
    : (a as string) < (b as string)
      ? -1
      : a === b
        ? 0
        : 1;

function holds(thing: Thing, condition: Condition): boolean {
  const value = thing[condition.field];
  const values: readonly unknown[] = value == null ? [] : Array.isArray(value) ? value : [value];
  const among = (list: readonly unknown[]) => values.some((one) => list.includes(one));
  if ('in' in condition) return among(condition.in);
  if ('notIn' in condition) return !among(condition.notIn);
  const { field, from, until } = condition;
  return values.some(
    (one) =>
      (from === undefined || order(field, one, from) >= 0) &&
      (until === undefined || order(field, one, until) < 0),
  );
}

/** What a list has to give, worked out in the plainest way. */
function expected(
  things: ReadonlyMap<string, Thing>,
  where: readonly Condition[],
  by: { field: string; descending: boolean } | undefined,
): readonly string[] {
  return [...things]
    .filter(([, thing]) => where.every((one) => holds(thing, one)))
    .sort(([id, a], [otherId, b]) => {
      const byId = id < otherId ? -1 : 1;
      if (by === undefined) return byId;
      const [x, y] = [a[by.field], b[by.field]];
      if (x === undefined || y === undefined) {
        return x === y ? byId : x === undefined ? 1 : -1;
      }
      return (by.descending ? -1 : 1) * order(by.field, x, y) || byId;
    })
    .map(([id]) => id);
}

/** Numbers that are the same in every run. */
function numbers(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

export function describePaging(underTest: ReadModelsUnderTest): void {
  describe('paging', () => {
    test('gives what the plainest filter and sort give, for any documents and question', async () => {
      const { put, list } = await openShelf(underTest);
      const things = new Map<string, Thing>();
      const run = async (
        changes: readonly (readonly [string, Thing | undefined])[],
        where: readonly Condition[],
        by: { field: string; descending: boolean } | undefined,
        limit: number,
      ) => {
        for (const [id, thing] of changes) {
          if (thing === undefined) things.delete(id);
          else things.set(id, thing);
        }
        await put(Object.fromEntries(changes));
        const request = { where, limit, ...(by && { sort: by }) };
        const pages = await pagesOf((after) => list({ ...request, ...goOn(after) }));
        expect(pages.flat().map(({ id }) => id)).toEqual(expected(things, where, by));
      };
      // The documents of one run are there in the next.
      await fc.assert(
        fc.asyncProperty(
          fc.uniqueArray(
            fc.tuple(
              fc.integer({ min: 1, max: 60 }).map((n) => `k${n}`),
              fc.option(document, { nil: undefined, freq: 4 }),
            ),
            { maxLength: 12, selector: ([id]) => id },
          ),
          fc.array(condition, { maxLength: 2 }),
          sort,
          fc.integer({ min: 1, max: 20 }),
          run,
        ),
        { numRuns: 150 },
      );
    });

    test.each([
      ['list', undefined],
      ['list', { field: 'quantity', descending: false }],
      ['list', { field: 'quantity', descending: true }],
      ['search', undefined],
    ])('%s by %j neither loses nor repeats what stays, while others change', async (kind, by) => {
      const { put, list, search } = await openShelf(underTest);
      const random = numbers(by?.descending ? 7 : 11);
      const thing = () => ({
        title: ['gamma', 'gamma ray', 'gammas', 'a gama', 'gamma gamma burst'][random(5)] ?? '',
        ...(random(4) === 0 ? {} : { quantity: random(6) }),
      });
      const id = (n: number) => `k${String(n).padStart(3, '0')}`;
      const staying = Array.from({ length: 60 }, (_, i) => id(i * 5));
      await put(Object.fromEntries(staying.map((stays) => [stays, thing()])));
      const others = () => id(random(60) * 5 + 1 + random(4));
      await put(Object.fromEntries(Array.from({ length: 40 }, () => [others(), thing()])));
      const pages = await pagesOf<{ readonly id: string }>(
        (after) =>
          kind === 'list'
            ? list({ limit: 7, ...(by && { sort: by }), ...goOn(after) })
            : search('gamma', { limit: 7, ...goOn(after) }),
        () =>
          put(
            Object.fromEntries(
              Array.from({ length: 20 }, () => [others(), random(2) === 0 ? undefined : thing()]),
            ),
          ),
      );
      const seen = pages.flat().map((found) => found.id);
      const stayed = seen.filter((found) => staying.includes(found));
      expect(stayed.toSorted()).toEqual(staying);
      expect(new Set(pages.map((page) => page.length)).size).toBeLessThanOrEqual(2);
    });
  });
}
