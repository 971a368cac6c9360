import { describe, expect, test } from '@jest/globals';
import type { JsonObject } from '../../src/kernel/json.ts';
import { type Condition, InvalidCursor } from '../../src/read/read-models.ts';
import {
  goOn,
  openShelf,
  pagesOf,
  type ReadModelsUnderTest,
  type Shelf,
} from './read-models-shelf.ts';

const hour = 3_600_000;

const documents: Readonly<Record<string, JsonObject>> = {
  a: {
    owner: 'ann',
    title: 'Éclair',
    price: '10',
    quantity: 1,
    at: hour,
    active: true,
    tags: ['x'],
  },
  b: {
    owner: 'bob',
    title: 'apple',
    price: '9.5',
    quantity: -5,
    at: 0,
    active: false,
    levels: ['-1.0'],
  },
  c: { owner: 'ann', title: 'Zürich', price: '-0.1', quantity: 2 ** 53 - 1, status: 'OPEN' },
  d: { owner: 'Ann', title: 'zebra', price: '-0.10000000000000000001', status: 'OPEN', tags: [] },
  e: { owner: 'bob', price: '123456789012345678901.000000000000000001', tags: ['x', 'y'] },
  f: { owner: 'bob', price: '123456789012345678901.000000000000000002', quantity: 1, active: null },
  g: { title: 'eclair', price: '0', levels: ['2', '10'] },
  h: {},
};

export function describeListing(underTest: ReadModelsUnderTest): void {
  describe('listing', () => {
    let filled: Promise<Shelf> | undefined;
    const shelf = () => {
      filled ??= openShelf(underTest).then(async (opened) => {
        await opened.put(documents);
        return opened;
      });
      return filled;
    };

    test.each<[string, Condition[], string]>([
      ['no condition', [], 'abcdefgh'],
      ['a keyword', [{ field: 'owner', in: ['ann'] }], 'ac'],
      ['several keywords', [{ field: 'owner', in: ['ann', 'bob', 'carl'] }], 'abcef'],
      ['none of no values', [{ field: 'owner', in: [] }], ''],
      ['a folded keyword', [{ field: 'title', in: ['ECLAIR'] }], 'ag'],
      ['a range of folded keywords', [{ field: 'title', from: 'É', until: 'Zürich' }], 'adg'],
      ['not a keyword, nor without one', [{ field: 'owner', notIn: ['bob'] }], 'acdgh'],
      ['nothing left out', [{ field: 'owner', notIn: [] }], 'abcdefgh'],
      ['a decimal, however it is written', [{ field: 'price', in: ['10.00', '-0.0'] }], 'ag'],
      ['decimals from', [{ field: 'price', from: '9.5' }], 'abef'],
      ['decimals until', [{ field: 'price', until: '-0.1' }], 'd'],
      [
        'decimals of many digits',
        [{ field: 'price', from: `123456789012345678901.${'0'.repeat(17)}15` }],
        'f',
      ],
      ['integers', [{ field: 'quantity', in: [1, 2 ** 53 - 1] }], 'acf'],
      ['a range of integers', [{ field: 'quantity', from: -5, until: 1 }], 'b'],
      ['instants', [{ field: 'at', from: 0, until: hour }], 'b'],
      ['a range without ends', [{ field: 'at' }], 'abcdefgh'],
      ['a boolean', [{ field: 'active', in: [true] }], 'a'],
      ['not a boolean', [{ field: 'active', notIn: [true] }], 'bcdefgh'],
      ['an element', [{ field: 'tags', in: ['x'] }], 'ae'],
      ['one of two elements', [{ field: 'tags', in: ['x', 'y'] }], 'ae'],
      ['no element', [{ field: 'tags', notIn: ['y'] }], 'abcdfgh'],
      ['an element in a range', [{ field: 'levels', from: '3' }], 'g'],
      ['no one element in a range', [{ field: 'levels', from: '3', until: '9' }], ''],
      [
        'several conditions',
        [
          { field: 'owner', in: ['ann'] },
          { field: 'price', from: '0' },
          { field: 'quantity', from: 0 },
          { field: 'tags', notIn: ['y'] },
        ],
        'a',
      ],
    ])('by %s', async (_, where, expected) => {
      const { ids, search } = await shelf();
      expect((await ids({ where })).join('')).toBe(expected);
      const { items, total } = await search('', { where });
      expect(items.map(({ id }) => id).join('')).toBe(expected);
      expect(total).toBe(expected.length);
    });

    test.each<[string, boolean, string]>([
      ['price', false, 'dcgbaefh'],
      ['price', true, 'feabgcdh'],
      ['quantity', false, 'bafcdegh'],
      ['quantity', true, 'cafbdegh'],
      ['at', false, 'bacdefgh'],
      ['at', true, 'abcdefgh'],
      ['title', false, 'bagdcefh'],
      ['title', true, 'cdagbefh'],
      ['status', false, 'cdabefgh'],
      ['status', true, 'cdabefgh'],
    ])(
      'sorted by %s, descending: %s; ties by id, those without it last',
      async (field, descending, expected) => {
        const { ids, list } = await shelf();
        const sort = { field, descending };
        expect((await ids({ sort })).join('')).toBe(expected);
        for (const limit of [1, 2, 3, 7, 8]) {
          const pages = await pagesOf((after) => list({ sort, limit, ...goOn(after) }));
          expect(
            pages
              .flat()
              .map(({ id }) => id)
              .join(''),
          ).toBe(expected);
          expect(pages).toHaveLength(Math.ceil(8 / limit));
        }
      },
    );

    test('the last page has no cursor, and neither has an empty list', async () => {
      const { list } = await shelf();
      expect(await list({ limit: 8 })).not.toHaveProperty('next');
      expect(await list({ where: [{ field: 'owner', in: ['nobody'] }] })).toEqual({ items: [] });
    });

    test('a cursor that is damaged or of another question is refused', async () => {
      const { view, list, search } = await shelf();
      const sort = { field: 'price', descending: false };
      const where: Condition[] = [{ field: 'owner', in: ['ann', 'bob'] }];
      const { next = '' } = await list({ where, sort, limit: 2 });
      expect(next).toMatch(/^[\w-]+$/);
      const damaged = [
        '',
        '!',
        next.slice(0, -3),
        next.slice(3),
        `${next.slice(0, 10)}${next[10] === 'A' ? 'B' : 'A'}${next.slice(11)}`,
        Buffer.from('[1,2,3]').toString('base64url'),
        Buffer.from('null').toString('base64url'),
      ];
      for (const after of damaged) {
        await expect(list({ where, sort, limit: 2, after })).rejects.toThrow(InvalidCursor);
      }
      const other = await openShelf(underTest);
      const elsewhere = [
        () => list({ where, sort: { ...sort, descending: true }, limit: 2, after: next }),
        () => list({ where, limit: 2, after: next }),
        () => list({ where: [{ field: 'owner', in: ['bob'] }], sort, limit: 2, after: next }),
        () => other.list({ where, sort, limit: 2, after: next }),
        () => search('', { where, limit: 2, after: next }),
        () => search('apple', { where, limit: 2, after: next }),
      ];
      for (const ask of elsewhere) await expect(ask()).rejects.toThrow(InvalidCursor);
      const { next: plain = '' } = await list({ limit: 2 });
      await expect(search('', { limit: 2, after: plain })).rejects.toThrow(InvalidCursor);
      expect(
        (await underTest.models.list(view, { where, sort, limit: 9, after: next })).items.length,
      ).toBe(3);
    });
  });
}
