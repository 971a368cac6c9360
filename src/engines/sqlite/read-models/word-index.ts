import type { Layout } from './layout.ts';
import type { Statements } from './statements.ts';
import type { Encoded } from './values.ts';

/** Keeps what a search reads in step with the documents. */
export type WordIndex = {
  readonly put: (row: number, id: string, encoded: Encoded, isNew: boolean) => void;
  readonly remove: (row: number) => void;
  /** At the end of a batch, in its transaction. */
  readonly flush: () => void;
  /** After a rollback. */
  readonly forget: () => void;
};

/** Terms that are known to be stored: what is over it is found out by asking. */
const mostKnownTerms = 200_000;
const shortestTerm = 3;

/** Whether typing errors are corrected to the word. */
export function isLearned({ length }: string): boolean {
  return length >= shortestTerm;
}

export function createWordIndex(statements: Statements, layout: Layout): WordIndex {
  const { texts, words: wordTable, terms } = layout.table;
  const labels = layout.facets.map(({ column }) => `, ${column}`).join('');
  const marks = layout.facets.map(() => ', ?').join('');
  const read = statements.rows(`SELECT words${labels} FROM ${texts} WHERE row = ?`);
  const insertText = statements.run(
    `INSERT OR REPLACE INTO ${texts} (row, id, words${labels}) VALUES (?, ?, ?${marks})`,
  );
  const removeText = statements.run(`DELETE FROM ${texts} WHERE row = ?`);
  const insertWords = statements.run(`INSERT INTO ${wordTable} (rowid, words) VALUES (?, ?)`);
  const removeWords = statements.run(`DELETE FROM ${wordTable} WHERE rowid = ?`);
  const insertTerm = statements.run(`INSERT OR IGNORE INTO ${terms} (term) VALUES (?)`);
  const known = new Set<string>();
  // FTS5 writes what it has gathered whenever a row comes that isn't after the one before: the rows
  // of a batch are handed to it in order.
  const changed = new Map<number, { readonly isIndexed: boolean; readonly words?: string }>();

  function change(row: number, isIndexed: boolean, words?: string): void {
    const first = changed.get(row);
    const was = { isIndexed: first?.isIndexed ?? isIndexed };
    changed.set(row, words === undefined ? was : { ...was, words });
  }

  function learn(words: string): void {
    for (const term of words.split(/\s+/)) {
      if (!isLearned(term) || known.has(term)) continue;
      insertTerm.run(term);
      if (known.size >= mostKnownTerms) known.clear();
      known.add(term);
    }
  }

  return {
    put: (row, id, encoded, isNew) => {
      if (!isNew) {
        const [words, ...stored] = read.get(row) as [string, ...(string | null)[]];
        const same = words === encoded.words;
        if (same && encoded.labels.every((label, i) => stored[i] === label)) return;
        insertText.run(row, id, encoded.words, ...encoded.labels);
        if (same) return;
      } else {
        insertText.run(row, id, encoded.words, ...encoded.labels);
      }
      change(row, !isNew, encoded.words);
      learn(encoded.words);
    },
    remove: (row) => {
      removeText.run(row);
      change(row, true);
    },
    flush: () => {
      const rows = [...changed].sort(([a], [b]) => a - b);
      for (const [row, { isIndexed }] of rows) if (isIndexed) removeWords.run(row);
      for (const [row, { words }] of rows) if (words !== undefined) insertWords.run(row, words);
      changed.clear();
    },
    forget: () => {
      known.clear();
      changed.clear();
    },
  };
}
