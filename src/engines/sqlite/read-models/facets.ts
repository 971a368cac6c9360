import type { SearchResult } from '../../../read/read-models.ts';
import type { Source } from './conditions.ts';
import type { FieldPlan, Layout } from './layout.ts';
import type { Statements } from './statements.ts';
import type { SqlValue } from './values.ts';

type Facet = SearchResult['facets'][number];

const mostBuckets = 10;

/** Counts labels, as `Encoded.labels` has them, match by match. */
export function createTally(plans: readonly FieldPlan[]) {
  const counts = plans.map(() => new Map<string, number>());

  return {
    add(labels: readonly (string | null)[]): void {
      for (let i = 0; i < counts.length; i += 1) {
        const label = labels[i];
        const map = counts[i];
        if (label == null || map === undefined) continue;
        map.set(label, (map.get(label) ?? 0) + 1);
      }
    },
    facets(): readonly Facet[] {
      return plans.map((plan, i) => {
        const map = counts[i] ?? new Map<string, number>();
        return facetOf(plan, plan.field.many === true ? byElement(map) : map);
      });
    },
  };
}

/** Of arrays as JSON, each of whose elements differs from the others. */
function byElement(counts: ReadonlyMap<string, number>): ReadonlyMap<string, number> {
  const elements = new Map<string, number>();
  for (const [json, count] of counts) {
    for (const element of JSON.parse(json) as readonly string[]) {
      elements.set(element, (elements.get(element) ?? 0) + count);
    }
  }
  return elements;
}

function facetOf({ name }: FieldPlan, counts: ReadonlyMap<string, number>): Facet {
  const buckets = [...counts]
    .map(([value, count]) => ({ value, count }))
    .sort((a, b) => b.count - a.count || (a.value < b.value ? -1 : 1))
    .slice(0, mostBuckets);
  return { field: name, buckets };
}

/** Counts over documents rather than matches of words; without a source, over all of them. */
export function countLabels(
  statements: Statements,
  layout: Layout,
  plan: FieldPlan,
  source: Source | undefined,
): Facet {
  const { from, where, parameters } = labelsOf(layout, plan, source);
  const rows = statements
    .rows(`SELECT label, count(*) FROM (SELECT ${from} WHERE ${where}) WHERE label IS NOT NULL
      GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT ${mostBuckets}`)
    .all(...parameters) as [SqlValue, number][];
  const isBoolean = plan.field.kind === 'boolean';
  const text = (label: SqlValue) => (isBoolean ? String(label === 1) : String(label));
  return facetOf(plan, new Map(rows.map(([label, count]) => [text(label), count])));
}

function labelsOf({ table }: Layout, plan: FieldPlan, source: Source | undefined): Source {
  const { field, column, index } = plan;
  if (field.many !== true) {
    const { from, where, parameters } = source ?? {
      from: `FROM ${table.documents} d`,
      where: 'TRUE',
      parameters: [],
    };
    return { from: `d.${column} AS label ${from}`, where, parameters };
  }
  const elements = `${table.many} m`;
  if (source === undefined) {
    const from = `m.value AS label FROM ${elements} INDEXED BY ${table.many}_by_value`;
    return { from, where: `m.field = ${index}`, parameters: [] };
  }
  const { from, where, parameters } = source;
  const join = `CROSS JOIN ${elements} ON m.row = d.row AND m.field = ${index}`;
  return { from: `m.value AS label ${from} ${join}`, where, parameters };
}
