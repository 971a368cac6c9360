import type { Position } from '../../../kernel/position.ts';
import type { FieldPlan, Layout } from './layout.ts';
import type { Statements } from './statements.ts';
import type { Encoded, SqlValue } from './values.ts';
import type { WordIndex } from './word-index.ts';

/** Writes the documents of one generation within a transaction. */
export type DocumentWriter = {
  /**
   * Writes where the version is after the stored one, or in any case with `overwrite`. How many
   * documents there are more: -1, 0 or 1.
   */
  readonly put: (
    id: string,
    version: Position,
    encoded: Encoded | undefined,
    overwrite: boolean,
  ) => -1 | 0 | 1;
};

const placeholders = (count: number) => Array(count).fill('?').join(', ');

export function createDocumentWriter(
  statements: Statements,
  layout: Layout,
  index: WordIndex | undefined,
): DocumentWriter {
  const { table, columns } = layout;
  const names = columns.map(({ column }) => `, ${column}`).join('');
  const find = statements.rows(
    `SELECT row, (commit_at, prepare_at) >= (?, ?)${names} FROM ${table.documents} WHERE id = ?`,
  );
  const findGone = statements.rows(
    `SELECT (commit_at, prepare_at) >= (?, ?) FROM ${table.gone} WHERE id = ?`,
  );
  const insert = statements.run(
    `INSERT INTO ${table.documents} (id, commit_at, prepare_at, document${names})
     VALUES (${placeholders(4 + columns.length)})`,
  );
  const remove = statements.run(`DELETE FROM ${table.documents} WHERE row = ?`);
  const bury = statements.run(`INSERT OR REPLACE INTO ${table.gone} VALUES (?, ?, ?)`);
  const revive = statements.run(`DELETE FROM ${table.gone} WHERE id = ?`);
  const many = layout.manies.length > 0 ? createManyWriter(statements, table.many) : undefined;

  function create(id: string, { commit, prepare }: Position, encoded: Encoded): void {
    const { json, columns: values } = encoded;
    const row = Number(insert.run(id, commit, prepare, json, ...values).lastInsertRowid);
    many?.add(row, encoded.many);
    index?.put(row, id, encoded, true);
  }

  return {
    put: (id, version, encoded, overwrite) => {
      const { commit, prepare } = version;
      const found = find.get(commit, prepare, id) as [number, number, ...SqlValue[]] | undefined;
      if (found === undefined) {
        const gone = findGone.get(commit, prepare, id) as [number] | undefined;
        if (gone?.[0] === 1 && !overwrite) return 0;
        if (encoded === undefined) {
          bury.run(id, commit, prepare);
          return 0;
        }
        if (gone !== undefined) revive.run(id);
        create(id, version, encoded);
        return 1;
      }
      const [row, settled, ...values] = found;
      if (settled === 1 && !overwrite) return 0;
      if (encoded === undefined) {
        remove.run(row);
        bury.run(id, commit, prepare);
        many?.replace(row, []);
        index?.remove(row);
        return -1;
      }
      const changed = columns.filter((_, i) => values[i] !== encoded.columns[i]);
      const parameters = encoded.columns.filter((value, i) => values[i] !== value);
      statements
        .run(updateSql(layout, changed))
        .run(commit, prepare, encoded.json, ...parameters, row);
      many?.replace(row, encoded.many);
      index?.put(row, id, encoded, false);
      return 0;
    },
  };
}

/** Columns that stay are left out, as SQLite writes the indexes of every column that is named. */
function updateSql({ table }: Layout, changed: readonly FieldPlan[]): string {
  const sets = changed.map(({ column }) => `, ${column} = ?`).join('');
  return `UPDATE ${table.documents} SET commit_at = ?, prepare_at = ?, document = ?${sets}
    WHERE row = ?`;
}

function createManyWriter(statements: Statements, table: string) {
  const insert = statements.run(`INSERT INTO ${table} VALUES (?, ?, ?)`);
  const remove = statements.run(`DELETE FROM ${table} WHERE row = ?`);
  const read = statements.rows(`SELECT field, value FROM ${table} WHERE row = ?`);

  function add(row: number, elements: Encoded['many']): void {
    for (const { field, value } of elements) insert.run(row, field, value);
  }

  return {
    add,
    replace(row: number, elements: Encoded['many']): void {
      const stored = read.all(row) as [number, SqlValue][];
      const isThere = ({ field, value }: Encoded['many'][number]) =>
        stored.some(([f, v]) => f === field && v === value);
      if (stored.length === elements.length && elements.every(isThere)) return;
      remove.run(row);
      add(row, elements);
    },
  };
}
