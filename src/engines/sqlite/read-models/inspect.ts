import type { JsonValue } from '../../../kernel/json.ts';
import type { GenerationRef, Misindexed } from '../../../projection/read-model-store.ts';
import { fromSortable } from '../../../read/sortable-decimal.ts';
import type { SqliteDatabase } from '../database.ts';
import { keyOf } from './catalogue.ts';
import { createWordCheck } from './inspect-words.ts';
import type { FieldPlan, Layout } from './layout.ts';
import type { Statements } from './statements.ts';
import { encode, type SqlValue, toDocument } from './values.ts';

export type FieldCheck = Misindexed['fields'][number];

/** A row as somebody may have left it: also values that no writer of ours stores. */
type Stored = SqlValue | Buffer;

/** So many documents are looked at before anything else has its turn. */
const page = 50;

/**
 * Works out from each document, as a write does, what its columns, elements and words should be,
 * and compares them with what is stored. Each is read in one look, so that a write falls before or
 * behind it.
 */
export function createInspect(
  database: SqliteDatabase,
  statements: Statements,
  layouts: (key: number) => Layout,
) {
  const inOneLook = database.transaction((work: () => unknown) => work()).deferred;

  function inspectOne(layout: Layout, id: string): Misindexed | undefined {
    const names = layout.columns.map(({ column }) => `, ${column}`).join('');
    const found = statements
      .rows(`SELECT row, document${names} FROM ${layout.table.documents} WHERE id = ?`)
      .get(id) as [number, string, ...Stored[]] | undefined;
    if (found === undefined) return undefined;
    const [row, json, ...columns] = found;
    const document = toDocument(json);
    // What is no document has no fields to be found by: it is told as such, where it is compared.
    if (document === undefined) return undefined;
    const encoded = encode(layout, document);
    const checks = [
      ...layout.columns.map((plan, i) => compare(plan, columns[i], encoded.columns[i])),
      ...checkElements(row, layout, encoded.many),
      ...(layout.searched.length > 0 ? createWordCheck(statements, layout)(row, id, encoded) : []),
    ];
    const fields = new Map<string, FieldCheck>();
    for (const check of checks) {
      if (check !== undefined && !fields.has(check.field)) fields.set(check.field, check);
    }
    return fields.size === 0 ? undefined : { documentId: id, fields: [...fields.values()] };
  }

  function checkElements(
    row: number,
    { table, manies }: Layout,
    elements: readonly { readonly field: number; readonly value: SqlValue }[],
  ): readonly FieldCheck[] {
    if (manies.length === 0) return [];
    const stored = statements
      .rows(`SELECT field, value FROM ${table.many} WHERE row = ? ORDER BY field, value`)
      .all(row) as [number, Stored][];
    return manies.flatMap((plan) => {
      const is = stored.filter(([field]) => field === plan.index).map(([, value]) => value);
      const should = elements.filter(({ field }) => field === plan.index).map((one) => one.value);
      if (is.length === should.length && should.every((one) => is.includes(one))) return [];
      const told = (values: readonly Stored[]) =>
        values.map((value) => meaningOf(plan, value) ?? null);
      return [{ field: plan.name, indexed: told(is), expected: told(should) }];
    });
  }

  /** Of documents that are there, in the order of the ids. */
  function inspectPage(ref: GenerationRef, ids: readonly string[]): readonly Misindexed[] {
    return inOneLook(() => {
      const layout = layouts(keyOf(statements, ref));
      return ids.flatMap((id) => inspectOne(layout, id) ?? []);
    }) as Misindexed[];
  }

  function idsAfter(ref: GenerationRef, after: string | undefined): readonly string[] {
    const { documents } = layouts(keyOf(statements, ref)).table;
    const where = after === undefined ? '' : 'WHERE id > ?';
    return statements
      .rows(`SELECT id FROM ${documents} ${where} ORDER BY id LIMIT ${page}`)
      .all(...(after === undefined ? [] : [after]))
      .map((row) => (row as [string])[0]);
  }

  async function* inspect(
    ref: GenerationRef,
    ids?: readonly string[],
  ): AsyncGenerator<Misindexed, void, void> {
    let last: string | undefined;
    for (let from = 0; ; from += page) {
      const some = ids === undefined ? idsAfter(ref, last) : ids.slice(from, from + page);
      yield* inspectPage(ref, some);
      if (some.length < page) return;
      last = some.at(-1);
      await new Promise((resolve) => setImmediate(resolve));
    }
  }

  return inspect;
}

function compare(
  plan: FieldPlan,
  stored: Stored | undefined,
  expected: SqlValue | undefined,
): FieldCheck | undefined {
  if (stored === expected) return undefined;
  const told = (value: Stored | undefined) => meaningOf(plan, value ?? null);
  return { field: plan.name, indexed: told(stored), expected: told(expected) };
}

/** What a stored value means; undefined for none, and the value itself where it means nothing. */
function meaningOf({ field }: FieldPlan, value: Stored): JsonValue | undefined {
  if (value === null) return undefined;
  if (Buffer.isBuffer(value)) return `0x${value.toString('hex')}`;
  if (field.kind === 'boolean' && (value === 0 || value === 1)) return value === 1;
  if (typeof value === 'string') {
    return field.kind === 'decimal' ? (fromSortable(value) ?? value) : value;
  }
  return Number.isFinite(value) ? value : String(value);
}
