import { isDecimal } from '../../../kernel/decimal.ts';
import { isObject, type JsonObject, type JsonValue } from '../../../kernel/json.ts';
import type { Field } from '../../../projection/kit.ts';
import { toSortable } from '../../../read/sortable-decimal.ts';
import { fold, wordsOf } from '../../../read/words.ts';
import type { FieldPlan, Layout } from './layout.ts';

export type SqlValue = string | number | null;

/** A document as its row, its elements and its words. */
export type Encoded = {
  readonly json: string;
  /** In the order of the layout's `columns`. */
  readonly columns: readonly SqlValue[];
  readonly many: readonly { readonly field: number; readonly value: SqlValue }[];
  /** For each searched field a line of its words, each between blanks. Empty without any. */
  readonly words: string;
  /** In the order of the layout's `facets`; of a field with many values a JSON array. */
  readonly labels: readonly (string | null)[];
};

/** undefined for what no writer of ours has stored. */
export function toDocument(json: string): JsonObject | undefined {
  try {
    const document: unknown = JSON.parse(json);
    return isObject(document) ? document : undefined;
  } catch {
    return undefined;
  }
}

function fits(kind: Field['kind'], value: JsonValue): boolean {
  switch (kind) {
    case 'keyword':
    case 'text':
      return typeof value === 'string';
    case 'decimal':
      return typeof value === 'string' && isDecimal(value);
    case 'integer':
    case 'instant':
      return Number.isSafeInteger(value);
    case 'boolean':
      return typeof value === 'boolean';
    case 'json':
      return true;
  }
}

/** The value as it is compared; undefined where it is not of the field's kind. */
export function toSql(field: Field, value: JsonValue): SqlValue | undefined {
  if (!fits(field.kind, value)) return undefined;
  switch (typeof value) {
    case 'string':
      if (field.kind === 'decimal') return toSortable(value);
      return field.fold === true ? fold(value) : value;
    case 'boolean':
      return value ? 1 : 0;
    case 'number':
      return value;
    default:
      return undefined;
  }
}

/** Why the document breaks the schema, naming the field but no value; or undefined. */
export function problemOfDocument(layout: Layout, document: JsonObject): string | undefined {
  for (const name of Object.keys(document)) {
    const plan = layout.fields.get(name);
    if (plan === undefined) return `the view "${layout.view}" has no field "${name}"`;
    const value = document[name];
    if (value === undefined || value === null || plan.field.kind === 'json') continue;
    const { kind, many } = plan.field;
    if (many === true) {
      const elements: readonly JsonValue[] | undefined = Array.isArray(value) ? value : undefined;
      if (elements?.every((element) => fits(kind, element)) === true) continue;
      return `the field "${name}" has to be an array of ${kind}`;
    }
    if (!fits(kind, value)) return `the field "${name}" has to be of kind ${kind}`;
  }
  return undefined;
}

/** For a document that has no problem. A field that is null is as one that is not there. */
export function encode(layout: Layout, document: JsonObject): Encoded {
  const { columns, manies, searched, facets } = layout;
  return {
    json: JSON.stringify(document),
    columns: columns.map(({ name, field }) => {
      const value = document[name] ?? null;
      return value === null ? null : (toSql(field, value) ?? null);
    }),
    many: manies.flatMap((plan) =>
      [...new Set(elementsOf(document, plan).map((element) => toSql(plan.field, element) ?? null))]
        // As they are read back, so that the two can be compared.
        .map((value) => ({ field: plan.index, value })),
    ),
    words: searched.length === 0 ? '' : searched.map((plan) => lineOf(document, plan)).join('\n'),
    labels: searched.length === 0 ? [] : facets.map((plan) => labelOf(document, plan)),
  };
}

function elementsOf(document: JsonObject, { name }: FieldPlan): readonly JsonValue[] {
  const value = document[name] ?? [];
  return Array.isArray(value) ? value : [value];
}

function lineOf(document: JsonObject, plan: FieldPlan): string {
  const words = elementsOf(document, plan).flatMap((element) => wordsOf(String(element)));
  return words.length === 0 ? '' : ` ${words.join(' ')} `;
}

function labelOf(document: JsonObject, plan: FieldPlan): string | null {
  const labels = elementsOf(document, plan).map((element) =>
    plan.field.fold === true ? fold(String(element)) : String(element),
  );
  return plan.field.many === true ? JSON.stringify([...new Set(labels)]) : (labels[0] ?? null);
}
