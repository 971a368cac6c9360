import type { Field, Schema } from '../../../projection/kit.ts';

/** A field of a generation's schema and where its values are kept. */
export type FieldPlan = {
  readonly name: string;
  /** Its number in the schema as it is stored: stands in `many`. */
  readonly index: number;
  readonly field: Field;
  /** Its column in the table of documents, or of texts for a facet's labels. */
  readonly column: string;
};

export type IndexPlan = {
  readonly name: string;
  readonly fields: readonly FieldPlan[];
  readonly sql: string;
};

/**
 * The tables of one generation:
 * - documents: one row each, with a column for every field that is filtered, sorted or counted by.
 * - gone: the versions of deleted documents.
 * - many: the elements of fields that hold several.
 * - texts: what a search reads of a match: id, words, labels for the facets. Same rows as documents.
 * - words: the full-text index over texts.words; it keeps no text itself.
 * - terms: every word that a document ever had, for typing errors.
 */
export type Layout = {
  readonly key: number;
  readonly view: string;
  readonly generation: number;
  readonly table: Readonly<
    Record<'documents' | 'gone' | 'many' | 'texts' | 'words' | 'terms', string>
  >;
  readonly fields: ReadonlyMap<string, FieldPlan>;
  readonly columns: readonly FieldPlan[];
  readonly manies: readonly FieldPlan[];
  readonly searched: readonly FieldPlan[];
  readonly facets: readonly FieldPlan[];
  readonly indexes: readonly IndexPlan[];
};

const affinity: Readonly<Record<Field['kind'], string>> = {
  keyword: 'TEXT',
  text: 'TEXT',
  decimal: 'TEXT',
  json: 'TEXT',
  integer: 'INTEGER',
  instant: 'INTEGER',
  boolean: 'INTEGER',
};

export function layoutOf(key: number, view: string, generation: number, schema: Schema): Layout {
  const fields = Object.entries(schema).map(([name, field], index): FieldPlan => {
    return { name, index, field, column: `f${index}` };
  });
  const inColumns = (field: Field) => (field.filter || field.sort || field.facet) === true;
  const columns = fields.filter(({ field }) => inColumns(field) && field.many !== true);
  const base = `view_${view}_${generation}`;
  const table = {
    documents: base,
    gone: `${base}_gone`,
    many: `${base}_many`,
    texts: `${base}_texts`,
    words: `${base}_words`,
    terms: `${base}_terms`,
  };
  return {
    key,
    view,
    generation,
    table,
    fields: new Map(fields.map((plan) => [plan.name, plan])),
    columns,
    manies: fields.filter(({ field }) => inColumns(field) && field.many === true),
    searched: fields.filter(({ field }) => field.search !== undefined),
    facets: fields.filter(({ field }) => field.facet === true),
    indexes: indexesOf(base, columns),
  };
}

/**
 * Every sort has an index, with the id for the ties, and with what is filtered by beside it. So has
 * every filter; but a keyword that isn't counted in facets, as an owner's or a portfolio's id, selects
 * few documents of many: its index is made once for each sort, so that a page of its documents is
 * read in order.
 */
function indexesOf(base: string, columns: readonly FieldPlan[]): readonly IndexPlan[] {
  const sorts = columns.filter(({ field }) => field.sort === true);
  const beside = columns.filter(({ field }) => field.besideSorts === true);
  const lists: (readonly FieldPlan[])[] = sorts.map((sort) => [sort]);
  for (const plan of columns) {
    const { filter, facet, kind, sort } = plan.field;
    if (filter !== true) continue;
    const others = kind === 'keyword' && facet !== true ? sorts.filter((s) => s !== plan) : [];
    for (const other of others) lists.push([plan, other]);
    if (others.length === 0 && sort !== true) lists.push([plan]);
  }
  return lists.map((fields) => {
    const list = fields.map(({ column }) => column);
    const name = `${base}_by_${list.join('_')}`;
    const isSorted = fields.some(({ field }) => field.sort === true);
    const more = isSorted ? beside.filter((plan) => !fields.includes(plan)) : [];
    const all = [...list, 'id', ...more.map(({ column }) => column)];
    const sql = `CREATE INDEX IF NOT EXISTS ${name} ON ${base} (${all.join(', ')})`;
    return { name, fields, sql };
  });
}

/** The statements that make the tables, without the indexes of `documents` and `many`. */
export function tablesSql({ table, columns, searched, facets }: Layout): string {
  const typed = columns.map(({ column, field }) => `${column} ${affinity[field.kind]},`);
  const statements = [
    // Last, so that the columns before it are read without it.
    `CREATE TABLE ${table.documents} (
      row INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE,
      commit_at INTEGER NOT NULL, prepare_at INTEGER NOT NULL,
      ${typed.join(' ')} document TEXT NOT NULL)`,
    `CREATE TABLE ${table.gone} (
      id TEXT PRIMARY KEY, commit_at INTEGER NOT NULL, prepare_at INTEGER NOT NULL
    ) WITHOUT ROWID`,
    `CREATE TABLE ${table.many} (
      row INTEGER, field INTEGER, value, PRIMARY KEY (row, field, value)) WITHOUT ROWID`,
  ];
  if (searched.length > 0) {
    const labels = facets.map(({ column }) => `, ${column} TEXT`).join('');
    statements.push(
      `CREATE TABLE ${table.texts} (row INTEGER PRIMARY KEY, id TEXT, words TEXT${labels})`,
      // The words come folded, between blanks: the ascii tokenizer takes them as they are. Which
      // field a word stands in is seen in `texts`, so that the index needs no positions.
      `CREATE VIRTUAL TABLE ${table.words} USING fts5 (
        words, content = '', contentless_delete = 1, detail = none,
        tokenize = 'ascii', prefix = '1 2')`,
      `CREATE TABLE ${table.terms} (n INTEGER PRIMARY KEY, term TEXT NOT NULL UNIQUE)`,
    );
  }
  return statements.join(';\n');
}

/** Made when a generation goes live: one by one, as a large one takes a second or more. */
export function indexSql({ table, indexes, manies }: Layout): readonly string[] {
  const list = indexes.map(({ sql }) => sql);
  if (manies.length === 0) return list;
  const columns = '(field, value, row)';
  const byValue = `CREATE INDEX IF NOT EXISTS ${table.many}_by_value ON ${table.many} ${columns}`;
  return [...list, byValue];
}

export function dropSql({ table, searched }: Layout): string {
  const { documents, gone, many, texts, words, terms } = table;
  const searchTables = searched.length > 0 ? [texts, words, terms] : [];
  return [documents, gone, many, ...searchTables].map((name) => `DROP TABLE ${name}`).join(';\n');
}

/** What is wrong with a schema or a name for this engine, or undefined. */
export function problemOfView(name: string, schema: Schema): string | undefined {
  if (!/^[a-z][a-z0-9_]*$/.test(name)) return `the name of the view "${name}" is not allowed`;
  for (const [field, { kind, many, filter, sort, search, facet }] of Object.entries(schema)) {
    const where = `the field "${field}" of the view "${name}"`;
    if (sort === true && many === true) return `${where} holds many and cannot be sorted by`;
    if ((kind === 'text' || kind === 'json') && (filter === true || sort === true)) {
      return `${where} is ${kind} and cannot be filtered or sorted by`;
    }
    if (search !== undefined && kind !== 'keyword' && kind !== 'text') {
      return `${where} is ${kind} and cannot be searched`;
    }
    if (facet === true && kind !== 'keyword' && kind !== 'boolean') {
      return `${where} is ${kind} and cannot be counted in facets`;
    }
  }
  return undefined;
}
