import { describe, expect, test } from '@jest/globals';
import type { JsonObject } from '../../src/kernel/json.ts';
import { InvalidCursor } from '../../src/read/read-models.ts';
import {
  goOn,
  openShelf,
  pagesOf,
  type ReadModelsUnderTest,
  type Shelf,
} from './read-models-shelf.ts';

const documents: Readonly<Record<string, JsonObject>> = {
  a: { title: 'Momentum Breakout', owner: 'ann', status: 'OPEN', tags: ['x'], active: true },
  b: {
    title: 'Momentums of Zürich',
    owner: 'bob',
    status: 'OPEN',
    tags: ['x', 'y'],
    active: false,
  },
  c: { title: 'Monentum', owner: 'ann', status: 'DONE', notes: 'follows the trend' },
  d: { title: 'Trend', notes: 'A momentum strategy <b>with</b> "stops" & Łódź', owner: 'bob' },
  e: { title: 'naïve café', notes: 'BTC-USD, 20/50 crossing', owner: 'ann', status: 'OPEN' },
  f: { title: 'ÉCOLE d’été', notes: '', tags: ['z'] },
  g: { notes: `${'word '.repeat(200)}needle ${'word '.repeat(200)}` },
};

export function describeSearching(underTest: ReadModelsUnderTest): void {
  describe('searching', () => {
    let filled: Promise<Shelf> | undefined;
    const shelf = () => {
      filled ??= openShelf(underTest).then(async (opened) => {
        await opened.put(documents);
        return opened;
      });
      return filled;
    };

    test.each([
      ['a whole word, before a beginning, before a typing error', 'momentum', 'adbc'],
      ['in any case', 'MOMENTUM', 'adbc'],
      ['all words', 'momentum breakout', 'a'],
      ['all words, each in any field', 'trend momentum', 'dc'],
      ['the beginning of a word', 'mom', 'abd'],
      ['beginnings of words', 'bre mom', 'a'],
      ['a single letter', 'b', 'dae'],
      ['not the middle of a word', 'entum', ''],
      ['without accents', 'zurich', 'b'],
      ['with accents', 'Zürich', 'b'],
      ['with accents in two parts', 'Zu\u0308rich', 'b'],
      ['accents that nobody wrote', 'trénd', 'dc'],
      ['letters with a stroke', 'lodz', 'd'],
      ['capitals with accents', 'ecole ete', 'f'],
      ['a wrong letter', 'trand', 'dc'],
      ['a missing letter', 'breakot', 'a'],
      ['a letter too many', 'breakkout', 'a'],
      ['not two errors in a short word', 'bekout', ''],
      ['two errors in a word of eight', 'momemtun', 'ad'],
      ['two letters in the wrong order', 'ternd', 'dc'],
      ['a wrong first letter', 'brend', 'dc'],
      ['no error in a word of three', 'usc', ''],
      ['numbers and parts of words', '20 usd', 'e'],
      ['a word that is nowhere', 'momentum absent', ''],
      ['an empty text: everything', '', 'abcdefg'],
      ['a blank text: everything', ' \t\n', 'abcdefg'],
    ])('%s', async (_, text, expected) => {
      const { found, search } = await shelf();
      expect((await found(text)).join('')).toBe(expected);
      expect((await search(text, { limit: 1 })).total).toBe(expected.length);
      const counted = await search(text, { limit: 0 });
      expect(counted).toMatchObject({ items: [], total: expected.length });
      expect(counted.next).toBe(undefined);
    });

    test('typing errors are met in long words, too', async () => {
      const { put, found } = await openShelf(underTest);
      await put({ a: { title: 'a'.repeat(60) }, b: { title: `${'a'.repeat(39)}b` } });
      expect(await found(`${'a'.repeat(61)}`)).toEqual(['a']);
      expect(await found(`${'a'.repeat(40)}b`)).toEqual(['b']);
    });

    test('scores fall, and a heavier field is above a lighter one', async () => {
      const { search } = await shelf();
      const { items } = await search('momentum');
      const scores = items.map(({ score }) => score);
      expect(scores).toEqual(scores.toSorted((x, y) => y - x));
      expect(new Set(scores).size).toBe(4);
      expect(items.map(({ id }) => id).slice(0, 2)).toEqual(['a', 'd']);
    });

    test('a word that comes twice counts more, and a word in a heavier field', async () => {
      const { put, found } = await openShelf(underTest);
      await put({
        a: { notes: 'silver' },
        b: { title: 'gold or silver coins' },
        c: { title: 'gold gold silver coins' },
      });
      expect(await found('gold')).toEqual(['c', 'b']);
      expect(await found('silver')).toEqual(['b', 'c', 'a']);
    });

    test('a hit has its document', async () => {
      const { search } = await shelf();
      const [hit] = (await search('breakout')).items;
      expect(hit).toMatchObject({ id: 'a', document: documents.a });
      expect(hit?.version.commit).toBe(1n);
    });

    test('highlights are HTML with the words that match', async () => {
      const { search } = await shelf();
      const highlights = async (text: string) =>
        Object.fromEntries((await search(text)).items.map((hit) => [hit.id, hit.highlights]));
      expect(await highlights('momentum with')).toEqual({
        d: [
          {
            field: 'notes',
            fragments: [
              'A <em>momentum</em> strategy &lt;b&gt;<em>with</em>&lt;/b&gt; &quot;stops&quot; &amp; Łódź',
            ],
          },
        ],
      });
      expect(await highlights('zur')).toEqual({
        b: [{ field: 'title', fragments: ['Momentums of <em>Zürich</em>'] }],
      });
      expect(await highlights('monemtum')).toMatchObject({
        c: [{ field: 'title', fragments: ['<em>Monentum</em>'] }],
      });
      const [long] = (await highlights('needle')).g ?? [];
      expect(long?.fragments).toHaveLength(1);
      expect(long?.fragments[0]).toMatch(/^(word )*word <em>needle<\/em> word( word)*$/);
      expect(long?.fragments[0]?.length).toBeLessThan(400);
      expect(Object.values(await highlights('')).flat()).toEqual([]);
    });

    test('conditions narrow what is found', async () => {
      const { found, search } = await shelf();
      const owner = { field: 'owner', in: ['ann'] };
      expect(await found('momentum', { where: [owner] })).toEqual(['a', 'c']);
      const where = [owner, { field: 'status', notIn: ['DONE'] }];
      expect(await found('momentum', { where })).toEqual(['a']);
      expect(await found('momentum', { where: [{ field: 'tags', in: ['y'] }] })).toEqual(['b']);
      expect(await found('momentum', { where: [{ field: 'owner', in: [] }] })).toEqual([]);
      expect((await search('momentum', { where: [owner], limit: 1 })).total).toBe(2);
      expect(await found('', { where: [owner] })).toEqual(['a', 'c', 'e']);
    });

    test.each([
      ['momentum', ['2 OPEN', '1 DONE'], ['2 x', '1 y'], ['1 false', '1 true']],
      ['', ['3 OPEN', '1 DONE'], ['2 x', '1 y', '1 z'], ['1 false', '1 true']],
      ['absent', [], [], []],
    ])('facets count all that match "%s"', async (text, status, tags, active) => {
      const { search } = await shelf();
      const { facets } = await search(text, { facets: ['status', 'tags', 'active'], limit: 1 });
      const shown = facets.map(({ field, buckets }) => [
        field,
        buckets.map(({ value, count }) => `${count} ${value}`),
      ]);
      expect(shown).toEqual([
        ['status', status],
        ['tags', tags],
        ['active', active],
      ]);
    });

    test('facets of what conditions leave, the ten most frequent', async () => {
      const { put, search } = await openShelf(underTest);
      const things = Array.from({ length: 78 }, (_, i) => {
        const status = `s${Math.floor((Math.sqrt(8 * i + 1) - 1) / 2)}`;
        return [`k${i}`, { title: 'thing', status, owner: i % 2 === 0 ? 'ann' : 'bob' }];
      });
      await put(Object.fromEntries(things));
      for (const text of ['thing', '']) {
        const { facets } = await search(text, { facets: ['status'] });
        expect(facets[0]?.buckets).toEqual(
          Array.from({ length: 10 }, (_, i) => ({ value: `s${11 - i}`, count: 12 - i })),
        );
        const where = [{ field: 'status', in: ['s3', 's1'] }];
        expect((await search(text, { facets: ['status'], where })).facets[0]?.buckets).toEqual([
          { value: 's3', count: 4 },
          { value: 's1', count: 2 },
        ]);
      }
    });

    test('pages go on behind the last score and id; other questions are refused', async () => {
      const { put, search } = await openShelf(underTest);
      const things = Array.from({ length: 25 }, (_, i) => {
        return [`k${String(i).padStart(2, '0')}`, { title: i % 3 === 0 ? 'alpha' : 'alpha beta' }];
      });
      await put(Object.fromEntries(things));
      const all = (await search('alpha')).items.map(({ id }) => id);
      expect(all).toHaveLength(25);
      const pages = await pagesOf((after) => search('alpha', { limit: 10, ...goOn(after) }));
      expect(pages.flat().map(({ id }) => id)).toEqual(all);
      expect(pages.map((page) => page.length)).toEqual([10, 10, 5]);
      const { next = '' } = await search('alpha', { limit: 10 });
      const where = [{ field: 'owner', in: ['ann'] }];
      await expect(search('beta', { after: next })).rejects.toThrow(InvalidCursor);
      await expect(search('alpha', { after: next, where })).rejects.toThrow(InvalidCursor);
      await expect(search('alpha', { after: next.slice(2) })).rejects.toThrow(InvalidCursor);
      await expect(search('', { after: next })).rejects.toThrow(InvalidCursor);
      await expect(search('?!', { after: 'x' })).rejects.toThrow(InvalidCursor);
    });

    test('what is changed or deleted is found as it is now', async () => {
      const { put, found } = await openShelf(underTest);
      await put({ a: { title: 'alpha' }, b: { title: 'beta' } });
      await put({ a: { title: 'gamma' }, b: undefined });
      expect(await found('alpha')).toEqual([]);
      expect(await found('beta')).toEqual([]);
      expect(await found('gamma')).toEqual(['a']);
      await put({ b: { title: 'alpha' }, a: { title: 'gamma', status: 'OPEN' } });
      expect(await found('alpha')).toEqual(['b']);
      expect(await found('gamma')).toEqual(['a']);
      await put({ a: { notes: 'gamma' } });
      expect(await found('gamma')).toEqual(['a']);
      await put({ a: {} });
      expect(await found('gamma')).toEqual([]);
      await put({ b: undefined, c: { title: 'delta' } });
      expect(await found('alpha')).toEqual([]);
      expect(await found('delta')).toEqual(['c']);
    });

    test('no text is a fault, and none is a question in a language of the engine', async () => {
      const { found, search } = await shelf();
      const hostile = [
        '"',
        "'; DROP TABLE documents; --",
        'momentum AND NOT breakout',
        'title:momentum',
        'momentum*',
        '^momentum',
        'NEAR(momentum breakout, 2)',
        '{title notes} : x',
        '-momentum +trend',
        '\u0000momentum\u0000',
        '(((((((',
        '\\',
        '%_',
        '🚀👩‍🚀',
        '\ud800 \udfff',
        'a\u0301\u0301\u0301',
        '½ ﷺ İ ß',
        'x'.repeat(10_000),
        'a b c d e f g h i j k l m n o p q r s t u v w x y z',
        'momentum '.repeat(500),
        Array.from({ length: 100 }, (_, i) => `momentu${i}`).join(' '),
      ];
      for (const text of hostile) {
        const { items, total } = await search(text, { facets: ['status'] });
        expect(items).toHaveLength(total);
      }
      expect(await found('!"§$%&/()=?*+~#-_.:,;<>|^°{[]}@€'.repeat(6).slice(0, 200))).toEqual([]);
      expect(await found('🚀')).toEqual([]);
      expect(await found('\u0000momentum\u0000 "breakout')).toEqual(['a']);
      expect(await found('momentum OR breakout')).toEqual([]);
    });
  });
}
