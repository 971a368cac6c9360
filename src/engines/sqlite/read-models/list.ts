import { fieldOf } from '../../../read/declared-field.ts';
import type { ListRequest, Page, ReadModel } from '../../../read/read-models.ts';
import {
  type Clause,
  clausesOf,
  drivenBy,
  mostSelective,
  type Source,
  walking,
} from './conditions.ts';
import { fromCursor, type Place, type Question, toCursor } from './cursor.ts';
import type { FieldPlan, Layout } from './layout.ts';
import type { Statements } from './statements.ts';
import type { SqlValue } from './values.ts';

/** So many documents are sorted rather than looked for along an index. */
const fewDocuments = 1_000;

type Row = readonly [row: number, id: string, value: SqlValue];

/** A part of the order: those with the value of the place, those beyond it, those without one. */
type Segment = {
  readonly where: string;
  readonly parameters: readonly SqlValue[];
  readonly order: string;
};

/**
 * One page of rows of `documents`. The order is the value, then the id; a page goes on behind the
 * place where the one before ended, whatever has come or gone since.
 */
export function listRows(
  statements: Statements,
  layout: Layout,
  model: ReadModel,
  { where, sort, limit, after }: ListRequest,
  asked: 'list' | 'search',
): Page<number> {
  const question: Question = [asked, model.name, where, sort];
  const place = after === undefined ? undefined : fromCursor(question, after);
  const clauses = clausesOf(layout, model, where);
  const by = sort === undefined ? undefined : fieldOf(layout, model, sort.field, 'sort');
  const { source, isOrdered } = sourceOf(statements, layout, clauses, by);
  const rows: Row[] = [];
  for (const segment of segmentsOf(by, sort?.descending === true, place, isOrdered)) {
    const missing = limit + 1 - rows.length;
    if (missing <= 0) break;
    const sql = `SELECT d.row, d.id, ${by === undefined ? 'NULL' : `d.${by.column}`} ${source.from}
      WHERE ${source.where} AND ${segment.where} ORDER BY ${segment.order} LIMIT ?`;
    const parameters = [...source.parameters, ...segment.parameters, missing];
    rows.push(...(statements.rows(sql).all(...parameters) as Row[]));
  }
  const items = rows.slice(0, limit);
  const last = items.at(-1);
  const page = { items: items.map(([row]) => row) };
  if (rows.length <= limit || last === undefined) return page;
  return { ...page, next: toCursor(question, { id: last[1], value: last[2] }) };
}

/** An index that has the order, unless one of the conditions leaves few documents to be sorted. */
function sourceOf(
  statements: Statements,
  layout: Layout,
  clauses: readonly Clause[],
  by: FieldPlan | undefined,
): { readonly source: Source; readonly isOrdered: boolean } {
  const order = by === undefined ? [] : [by];
  const indexOf = (fields: readonly FieldPlan[]) =>
    layout.indexes.find(
      (index) =>
        index.fields.length === fields.length && fields.every((f, i) => index.fields[i] === f),
    );
  for (const { plan, isOne } of clauses) {
    const index = isOne && plan !== by ? indexOf([plan, ...order]) : undefined;
    if (index !== undefined) return { source: walking(layout, index, clauses), isOrdered: true };
  }
  const driver = mostSelective(statements, layout, clauses, fewDocuments);
  if (driver !== undefined) return { source: drivenBy(layout, driver, clauses), isOrdered: false };
  return { source: walking(layout, indexOf(order), clauses), isOrdered: true };
}

function segmentsOf(
  by: FieldPlan | undefined,
  descending: boolean,
  place: Place | undefined,
  isOrdered: boolean,
): readonly Segment[] {
  // With a plus, SQLite takes no index for it.
  const sign = isOrdered ? '' : '+';
  const id = `${sign}d.id`;
  const behind = place === undefined ? 'TRUE' : `${id} > ?`;
  const idParameters = place === undefined ? [] : [place.id];
  if (by === undefined) return [{ where: behind, parameters: idParameters, order: id }];

  const value = `${sign}d.${by.column}`;
  const without = { where: `${value} IS NULL`, parameters: [], order: id };
  const order = `${value}${descending ? ' DESC' : ''}, ${id}`;
  if (place === undefined) {
    return [{ where: `${value} IS NOT NULL`, parameters: [], order }, without];
  }
  if (place.value === null) {
    return [{ ...without, where: `${without.where} AND ${behind}`, parameters: idParameters }];
  }
  const tied = `${value} = ? AND ${behind}`;
  return [
    { where: tied, parameters: [place.value, ...idParameters], order: id },
    { where: `${value} ${descending ? '<' : '>'} ?`, parameters: [place.value], order },
    without,
  ];
}
