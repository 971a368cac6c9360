import { describe, expect, test } from '@jest/globals';
import Database from 'better-sqlite3';
import fc from 'fast-check';
import { layoutOf, tablesSql } from '../../../src/engines/sqlite/read-models/layout.ts';
import { isMetBy } from '../../../src/engines/sqlite/read-models/scoring.ts';
import { nearIn } from '../../../src/engines/sqlite/read-models/spelling.ts';
import { compare, decimal } from '../../../src/kernel/decimal.ts';
import { createHighlighter } from '../../../src/read/highlight.ts';
import { fromSortable, toSortable } from '../../../src/read/sortable-decimal.ts';
import { fold, placesOfWords, wordsOf } from '../../../src/read/words.ts';

describe('a sortable decimal', () => {
  const digits = (maxLength: number) =>
    fc.string({ unit: fc.constantFrom(...'0001234567899'), maxLength });
  const decimals = fc.tuple(fc.boolean(), digits(20), digits(20)).map(([negative, whole, part]) => {
    return `${negative ? '-' : ''}${whole || '0'}${part && '.'}${part}`;
  });
  const bytewise = (a: string | undefined, b: string | undefined) =>
    Math.sign(Buffer.compare(Buffer.from(a ?? ''), Buffer.from(b ?? '')));

  test('texts compare as the decimals do', () => {
    fc.assert(
      fc.property(decimals, decimals, (a, b) => {
        expect(bytewise(toSortable(a), toSortable(b))).toBe(compare(decimal(a), decimal(b)));
      }),
      { numRuns: 5_000 },
    );
  });

  test('texts compare as near decimals do', () => {
    const near = [
      '0',
      '-0.0',
      '1',
      '-1',
      '1.50',
      '1.5',
      '9.5',
      '10',
      '-9.5',
      '-10',
      '0.01',
      '-0.1',
    ];
    near.push('-0.10000000000000000001', '0.00000000000000000001', '9'.repeat(40), '-9.49', '99.9');
    for (const a of near) {
      for (const b of near) {
        expect(bytewise(toSortable(a), toSortable(b))).toBe(compare(decimal(a), decimal(b)));
      }
    }
  });

  test('a text is of one decimal by value, and other texts of none', () => {
    fc.assert(
      fc.property(decimals, (text) => {
        const back = fromSortable(toSortable(text) ?? '') ?? '';
        expect(compare(decimal(back), decimal(text))).toBe(0);
        expect(toSortable(back)).toBe(toSortable(text));
      }),
    );
    for (const text of ['', '1', '100.', '10190', '1019x', '0', '09', 'cheap', '2101', '10105']) {
      expect(fromSortable(text)).toBeUndefined();
    }
  });

  test('what is no decimal has none', () => {
    for (const text of ['', '1e5', '+1', ' 1', '1.', 'NaN', '٣']) {
      expect(toSortable(text)).toBeUndefined();
    }
  });
});

describe('words', () => {
  test('are folded runs of letters and digits', () => {
    expect(wordsOf('BTC-USD: 20/50, d’été Straße ＡＢ')).toEqual([
      'btc',
      'usd',
      '20',
      '50',
      'd',
      'ete',
      'strasse',
      'ａｂ',
    ]);
    expect(wordsOf('🚀 — \u0301 !?')).toEqual([]);
    expect(wordsOf('x'.repeat(1000))).toEqual(['x'.repeat(64)]);
    expect(fold('ŁÓDŹ İstanbul ΣΑΣ')).toBe('lodz istanbul σασ');
  });

  test('are the same for indexing as for highlighting', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        const words = placesOfWords(text).flatMap(({ word }) => word || []);
        expect(wordsOf(text)).toEqual(words);
        for (const word of words) expect(word).toMatch(/^[^\s"]+$/);
      }),
      { numRuns: 2_000 },
    );
  });
});

/** Optimal string alignment, as the books have it. */
function distance(a: string, b: string): number {
  const d = Array.from({ length: a.length + 1 }, (_, i) =>
    Array.from({ length: b.length + 1 }, (_, j) => (i === 0 ? j : j === 0 ? i : 0)),
  );
  const get = (i: number, j: number) => d[i]?.[j] ?? 0;
  for (let i = 1; i <= a.length; i += 1) {
    for (let j = 1; j <= b.length; j += 1) {
      const cost = a[i - 1] === b[j - 1] ? 0 : 1;
      let best = Math.min(get(i - 1, j) + 1, get(i, j - 1) + 1, get(i - 1, j - 1) + cost);
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) {
        best = Math.min(best, get(i - 2, j - 2) + 1);
      }
      const row = d[i];
      if (row !== undefined) row[j] = best;
    }
  }
  return get(a.length, b.length);
}

describe('words that are near', () => {
  test('are all those within the distance, and no others', () => {
    const word = fc.string({ unit: fc.constantFrom('a', 'b', 'c'), minLength: 1, maxLength: 9 });
    fc.assert(
      fc.property(
        fc.uniqueArray(word, { maxLength: 60 }),
        word,
        fc.constantFrom(1, 2),
        (terms, asked, most) => {
          const sorted = terms.toSorted();
          const near = sorted.flatMap((term) => {
            const edits = distance(term, asked);
            return edits <= most ? { term, distance: edits } : [];
          });
          expect(nearIn(sorted, asked, most)).toEqual(near);
        },
      ),
      { numRuns: 2_000 },
    );
  });
});

describe('indexes', () => {
  test('keep beside a sorted value what is counted with it, and no document is looked at', () => {
    const layout = layoutOf(1, 'things', 1, {
      currency: { kind: 'keyword', filter: true, facet: true, besideSorts: true },
      owner: { kind: 'keyword', filter: true, facet: true },
      score: { kind: 'integer', filter: true, sort: true },
    });
    const database = new Database(':memory:');
    database.exec(tablesSql(layout));
    for (const { sql } of layout.indexes) database.exec(sql);
    const planOf = (where: string) =>
      database
        .prepare(
          `EXPLAIN QUERY PLAN SELECT count(*) FROM ${layout.table.documents} d WHERE ${where}`,
        )
        .all()
        .map((step) => (step as { detail: string }).detail)
        .join();
    expect(planOf("d.f2 >= 3 AND +d.f0 = 'USD'")).toContain('COVERING INDEX');
    expect(planOf("+d.f2 >= 3 AND +d.f0 = 'USD'")).toContain('COVERING INDEX');
    expect(planOf("d.f2 >= 3 AND +d.f1 = 'ann'")).not.toContain('COVERING');
    database.close();
  });
});

describe('highlights', () => {
  const layout = layoutOf(1, 'things', 1, {
    text: { kind: 'text', search: 1 },
    list: { kind: 'keyword', many: true, search: 1 },
  });
  const highlight = createHighlighter(layout.searched, isMetBy([{ word: 'foo', near: ['fob'] }]));

  test('show elements that match, at most three pieces of a field', () => {
    const list = ['foo', 'bar', 'a fob', 'fo', 'FOOD & <i>', 'foo four'];
    expect(highlight({ list })).toEqual([
      {
        field: 'list',
        fragments: ['<em>foo</em>', 'a <em>fob</em>', '<em>FOOD</em> &amp; &lt;i&gt;'],
      },
    ]);
  });

  test('pieces of a long text overlap nowhere and cut no word', () => {
    const words = Array.from({ length: 400 }, (_, i) => (i % 60 === 30 ? `foo${i}` : `w${i}`));
    const text = words.join(' ');
    const [{ fragments } = { fragments: [] }] = highlight({ text });
    expect(fragments).toHaveLength(3);
    const shown = fragments.flatMap((piece) => piece.replaceAll(/<\/?em>/g, '').split(' '));
    expect(shown.every((word) => words.includes(word))).toBe(true);
    expect(new Set(shown).size).toBe(shown.length);
    expect(shown).toContain('foo30');
    expect(shown).toContain('foo150');
  });
});
