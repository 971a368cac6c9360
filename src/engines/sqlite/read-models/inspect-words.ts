import type { FieldCheck } from './inspect.ts';
import type { FieldPlan, Layout } from './layout.ts';
import type { Statements } from './statements.ts';
import type { Encoded } from './values.ts';
import { isLearned } from './word-index.ts';

/** FTS5 takes an expression so deep at most 256. */
const mostTerms = 100;

type Line = { readonly plan: FieldPlan; readonly words: readonly string[] };

/**
 * Compares what a search reads of a document with the document: its words by field, its labels, its
 * entries in the full-text index, its words among those that typing errors are corrected to.
 *
 * The full-text index keeps no text: it is asked whether it has each word, and how many there are.
 */
export function createWordCheck(statements: Statements, layout: Layout) {
  const { texts, words: wordTable, terms } = layout.table;
  const labels = layout.facets.map(({ column }) => `, ${column}`).join('');

  function checkTexts(row: number, id: string, encoded: Encoded): readonly FieldCheck[] {
    const [storedId, words, ...storedLabels] = (statements
      .rows(`SELECT id, words${labels} FROM ${texts} WHERE row = ?`)
      .get(row) ?? []) as [string?, string?, ...(string | null)[]];
    const is = linesOf(layout, words ?? '');
    const checks = linesOf(layout, encoded.words).flatMap(({ plan, words: should }, i) => {
      const indexed = is[i]?.words.join(' ') ?? '';
      const expected = should.join(' ');
      return indexed === expected ? [] : [{ field: plan.name, indexed, expected }];
    });
    const byLabel = layout.facets.flatMap(({ name }, i) => {
      const [indexed, expected] = [storedLabels[i], encoded.labels[i]].map((one) => one ?? null);
      return indexed === expected ? [] : [{ field: name, indexed, expected }];
    });
    const byId = storedId === id ? [] : [{ field: 'id', indexed: storedId, expected: id }];
    return [...checks, ...byLabel, ...byId] as FieldCheck[];
  }

  function checkIndex(row: number, encoded: Encoded): readonly FieldCheck[] {
    const lines = linesOf(layout, encoded.words);
    const all = lines.flatMap(({ words }) => words);
    const distinct = [...new Set(all)];
    if (hasAll(row, distinct) && countOf(row) === all.length) {
      const unknown = new Set(distinct.filter((word) => isLearned(word) && !isTerm(word)));
      return unknown.size === 0 ? [] : without(lines, unknown);
    }
    const missing = new Set(distinct.filter((word) => !hasAll(row, [word])));
    if (missing.size > 0) return without(lines, missing);
    // It has others beside them, which it does not tell.
    const [indexed, expected] = [countOf(row), all.length].map((count) => `${count} words`);
    return lines.map(({ plan }) => ({ field: plan.name, indexed, expected }));
  }

  function hasAll(row: number, words: readonly string[]): boolean {
    for (let from = 0; from < words.length; from += mostTerms) {
      const some = words.slice(from, from + mostTerms);
      const found = statements
        // The driver binds numbers as reals, which FTS5 takes for any rowid.
        .rows(`SELECT 1 FROM ${wordTable}
          WHERE ${wordTable} MATCH ? AND rowid = CAST(? AS INTEGER)`)
        .get(some.map((word) => `"${word}"`).join(' AND '), row);
      if (found === undefined) return false;
    }
    return true;
  }

  /** How many words the index has of the row; -1 where it has no such row. */
  function countOf(row: number): number {
    const found = statements.rows(`SELECT sz FROM ${wordTable}_docsize WHERE id = ?`).get(row);
    return found === undefined ? -1 : fromVarint((found as [Buffer])[0]);
  }

  function isTerm(word: string): boolean {
    return statements.rows(`SELECT 1 FROM ${terms} WHERE term = ?`).get(word) !== undefined;
  }

  return (row: number, id: string, encoded: Encoded): readonly FieldCheck[] => [
    ...checkTexts(row, id, encoded),
    ...checkIndex(row, encoded),
  ];
}

/** The words of each searched field. */
function linesOf({ searched }: Layout, text: string): readonly Line[] {
  const lines = text.split('\n');
  return searched.map((plan, i) => {
    return { plan, words: (lines[i] ?? '').split(' ').filter((word) => word !== '') };
  });
}

function without(lines: readonly Line[], missing: ReadonlySet<string>): readonly FieldCheck[] {
  return lines.flatMap(({ plan, words }) => {
    const left = words.filter((word) => !missing.has(word));
    const [indexed, expected] = [left, words].map((some) => some.join(' '));
    return left.length === words.length ? [] : [{ field: plan.name, indexed, expected }];
  });
}

/** SQLite's: seven bits a byte, the highest first. https://sqlite.org/fileformat2.html#varint */
function fromVarint(bytes: Buffer): number {
  let value = 0;
  for (const byte of bytes) {
    value = value * 128 + (byte & 127);
    if (byte < 128) break;
  }
  return value;
}
