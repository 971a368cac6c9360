import { isDeepStrictEqual } from 'node:util';
import type { JsonValue } from '../../../kernel/json.ts';
import type { Misindexed } from '../../../projection/read-model-store.ts';
import { fromSortable } from '../../../read/sortable-decimal.ts';
import type { Source } from './entries.ts';
import type { FieldPlan, Layout } from './layout.ts';
import { type Derived, derive, type IndexValue } from './values.ts';

type FieldCheck = Misindexed['fields'][number];

/**
 * Compares what an entry says beside its document, which is what Elasticsearch looks at, with what
 * it would say.
 */
export function inspectEntry(layout: Layout, source: Source): Misindexed | undefined {
  const { id = '', doc, k } = source;
  if (k !== 'd' || doc === undefined) return undefined;
  const expected = derive(layout, doc);
  const checks = [
    ...layout.indexed.map((plan) => compareValues(plan, source.f, expected.f)),
    ...compareWords(layout, source, expected),
  ];
  const fields = new Map<string, FieldCheck>();
  for (const check of checks) {
    if (check !== undefined && !fields.has(check.field)) fields.set(check.field, check);
  }
  return fields.size === 0 ? undefined : { documentId: id, fields: [...fields.values()] };
}

function compareValues(plan: FieldPlan, is: Derived['f'], should: Derived['f']) {
  const [indexed, expected] = [is?.[plan.name], should?.[plan.name]];
  if (isDeepStrictEqual(indexed, expected)) return undefined;
  return {
    field: plan.name,
    indexed: meaningOf(plan, indexed),
    expected: meaningOf(plan, expected),
  };
}

function meaningOf(
  plan: FieldPlan,
  value: IndexValue | readonly IndexValue[] | undefined,
): JsonValue | undefined {
  if (Array.isArray(value)) {
    return (value as readonly IndexValue[]).map((one) => meaningOf(plan, one) ?? null);
  }
  if (plan.field.kind !== 'decimal' || typeof value !== 'string') return value as JsonValue;
  return fromSortable(value) ?? value;
}

function compareWords({ searched }: Layout, is: Derived, should: Derived): FieldCheck[] {
  if (is.words === should.words && is.lines === should.lines) return [];
  const [indexed, expected] = [is, should].map(({ lines = '' }) =>
    Buffer.from(lines, 'base64').toString().split('|'),
  );
  const checks = searched.flatMap(({ name }, i) => {
    const [line, wanted] = [indexed?.[i]?.trim() ?? '', expected?.[i]?.trim() ?? ''];
    return line === wanted ? [] : [{ field: name, indexed: line, expected: wanted }];
  });
  if (checks.length > 0) return checks;
  // The lines are right: it is the words of all fields together that are not.
  return searched
    .slice(0, 1)
    .map(({ name }) => ({ field: name, indexed: is.words, expected: should.words }));
}
