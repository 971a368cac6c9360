import { fieldOf } from '../../../read/declared-field.ts';
import type { Condition, FilterValue, ReadModel } from '../../../read/read-models.ts';
import type { FieldPlan, IndexPlan, Layout } from './layout.ts';
import type { Statements } from './statements.ts';
import { type SqlValue, toSql } from './values.ts';

/** A condition as SQL over `documents d`. */
export type Clause = {
  readonly plan: FieldPlan;
  /** May be answered by an index. */
  readonly plain: string;
  /** May not: of two indexes, SQLite shall not take the wrong one. */
  readonly neutral: string;
  /** For a field with many values: the elements that fulfil it. */
  readonly elements?: string;
  readonly parameters: readonly SqlValue[];
  /** Holds for one value of the field only. */
  readonly isOne: boolean;
  /** Says what is in, rather than what is out. */
  readonly selects: boolean;
};

/** Rows of `documents d`, and how they are reached. */
export type Source = {
  readonly from: string;
  /** Never empty. */
  readonly where: string;
  readonly parameters: readonly SqlValue[];
};

export function clausesOf(
  layout: Layout,
  model: ReadModel,
  where: readonly Condition[],
): readonly Clause[] {
  return where.flatMap((condition) => {
    const plan = fieldOf(layout, model, condition.field, 'filter');
    return clauseOf(layout, plan, condition) ?? [];
  });
}

const nothing = {
  plain: 'FALSE',
  neutral: 'FALSE',
  parameters: [],
  isOne: false,
  selects: false,
};

function clauseOf(layout: Layout, plan: FieldPlan, condition: Condition): Clause | undefined {
  const encode = (value: FilterValue) => encodeFilter(plan, value);
  if ('notIn' in condition) {
    if (condition.notIn.length === 0) return undefined;
    const values = condition.notIn.map(encode);
    const { plain, neutral } = wrap(layout, plan, (value) => inSql(value, values.length));
    const out = (sql: string) => `(${sql}) IS NOT TRUE`;
    const clause = { plan, plain: out(plain), neutral: out(neutral), parameters: values };
    return { ...clause, isOne: false, selects: false };
  }
  if ('in' in condition) {
    const values = condition.in.map(encode);
    if (values.length === 0) return { plan, ...nothing };
    const sqls = wrap(layout, plan, (value) => inSql(value, values.length));
    return { plan, ...sqls, parameters: values, isOne: values.length === 1, selects: true };
  }
  const { from, until } = condition;
  const bounds: (readonly [string, SqlValue])[] = [];
  if (from !== undefined) bounds.push(['>=', encode(from)]);
  if (until !== undefined) bounds.push(['<', encode(until)]);
  if (bounds.length === 0) return undefined;
  const range = (value: string) => bounds.map(([sign]) => `${value} ${sign} ?`).join(' AND ');
  const parameters = bounds.map(([, value]) => value);
  return { plan, ...wrap(layout, plan, range), parameters, isOne: false, selects: true };
}

function inSql(value: string, count: number): string {
  if (count === 1) return `${value} = ?`;
  return `${value} IN (${Array(count).fill('?').join(', ')})`;
}

function wrap(
  { table }: Layout,
  { field, column, index }: FieldPlan,
  test: (value: string) => string,
): Pick<Clause, 'plain' | 'neutral' | 'elements'> {
  if (field.many !== true) return { plain: test(`d.${column}`), neutral: test(`+d.${column}`) };
  const isMet = `m.field = ${index} AND ${test('m.value')}`;
  const elements = `FROM ${table.many} m INDEXED BY ${table.many}_by_value WHERE ${isMet}`;
  return {
    plain: `d.row IN (SELECT m.row ${elements})`,
    neutral: `EXISTS (SELECT 1 FROM ${table.many} m WHERE m.row = d.row AND ${isMet})`,
    elements,
  };
}

function encodeFilter({ field, name }: FieldPlan, value: FilterValue): SqlValue {
  const encoded = toSql(field, value);
  if (encoded !== undefined) return encoded;
  throw new TypeError(
    `the field "${name}" cannot be compared with a ${typeof value}: ${field.kind}`,
  );
}

/**
 * The condition that the fewest documents fulfil, if these are no more than `most`. All are counted
 * a little further at a time, so that the many of one are not counted to find the few of another.
 */
export function mostSelective(
  statements: Statements,
  layout: Layout,
  clauses: readonly Clause[],
  most: number,
): Clause | undefined {
  const counted = clauses
    .filter(({ selects }) => selects)
    .map((clause) => {
      const { from, where } = drivenBy(layout, clause, []);
      const found = clause.elements ?? `${from} WHERE ${where}`;
      const sql = `SELECT count(*) FROM (SELECT 1 ${found} LIMIT ?)`;
      return { clause, count: statements.rows(sql), parameters: clause.parameters };
    });
  for (let limit = Math.min(64, most + 1); ; limit = Math.min(8 * limit, most + 1)) {
    let best: Clause | undefined;
    let fewest = limit;
    for (const { clause, count, parameters } of counted) {
      const [found] = count.get(...parameters, limit) as [number];
      if (found >= fewest) continue;
      best = clause;
      fewest = found;
    }
    if (best !== undefined || limit > most) return best;
  }
}

/** The documents that fulfil all, found by the index of one of the conditions. */
export function drivenBy(layout: Layout, driver: Clause, clauses: readonly Clause[]): Source {
  const rest = clauses.filter((clause) => clause !== driver);
  const index = layout.indexes.find(({ fields }) => fields[0] === driver.plan);
  return {
    from: `FROM ${layout.table.documents} d${index === undefined ? '' : ` INDEXED BY ${index.name}`}`,
    where: [driver.plain, ...rest.map(({ neutral }) => neutral)].join(' AND '),
    parameters: [driver, ...rest].flatMap(({ parameters }) => parameters),
  };
}

/**
 * The documents that fulfil all, in the order of an index. Conditions on the fields of the index
 * narrow it; absent: in the order of ids.
 */
export function walking(
  { table }: Layout,
  index: IndexPlan | undefined,
  clauses: readonly Clause[],
): Source {
  const name = index?.name ?? `sqlite_autoindex_${table.documents}_1`;
  const sqls = clauses.map(({ plan, plain, neutral }) =>
    index?.fields.includes(plan) ? plain : neutral,
  );
  return {
    from: `FROM ${table.documents} d INDEXED BY ${name}`,
    where: sqls.length === 0 ? 'TRUE' : sqls.join(' AND '),
    parameters: clauses.flatMap(({ parameters }) => parameters),
  };
}

/** The documents that fulfil all, in no order: for counting. */
export function scanning({ table }: Layout, clauses: readonly Clause[]): Source {
  return {
    from: `FROM ${table.documents} d`,
    where: ['TRUE', ...clauses.map(({ neutral }) => neutral)].join(' AND '),
    parameters: clauses.flatMap(({ parameters }) => parameters),
  };
}
