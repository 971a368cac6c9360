import { isDecimal } from '../../../kernel/decimal.ts';
import type { JsonObject, JsonValue } from '../../../kernel/json.ts';
import type { Field } from '../../../projection/kit.ts';
import { fold, wordsOf } from './fold.ts';
import type { FieldPlan, Layout } from './layout.ts';
import { toSortable } from './sortable-decimal.ts';

export type IndexValue = string | number | boolean;

/** What an entry says of its document beside the document itself. */
export type Derived = {
  readonly f?: Readonly<Record<string, IndexValue | readonly IndexValue[]>>;
  readonly words?: string;
  /** Base64 of a line for each searched field, `|` between them: its words, each between blanks. */
  readonly lines?: string;
};

/** Lucene takes no longer term. UTF-8 bytes. */
const mostTermBytes = 32_766;

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
export function toIndexed(field: Field, value: JsonValue): IndexValue | undefined {
  if (!fits(field.kind, value)) return undefined;
  switch (typeof value) {
    case 'string':
      if (field.kind === 'decimal') return toSortable(value);
      // Half of a surrogate pair is no UTF-8.
      return (field.fold === true ? fold(value) : value).toWellFormed();
    case 'boolean':
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
      if (elements?.every((element) => fits(kind, element)) !== true) {
        return `the field "${name}" has to be an array of ${kind}`;
      }
    } else if (!fits(kind, value)) {
      return `the field "${name}" has to be of kind ${kind}`;
    }
    const isTooLong = (element: JsonValue) => isLongTerm(toIndexed(plan.field, element));
    if (layout.indexed.includes(plan) && elementsOf(document, plan).some(isTooLong)) {
      return `the field "${name}" is longer than ${mostTermBytes} bytes`;
    }
  }
  return undefined;
}

function isLongTerm(value: IndexValue | undefined): boolean {
  if (typeof value !== 'string' || value.length * 3 <= mostTermBytes) return false;
  return Buffer.byteLength(value) > mostTermBytes;
}

/** For a document that has no problem. A field that is null is as one that is not there. */
export function derive(layout: Layout, document: JsonObject): Derived {
  const { indexed, searched } = layout;
  const f: Record<string, IndexValue | readonly IndexValue[]> = {};
  for (const plan of indexed) {
    const values = elementsOf(document, plan).flatMap((one) => toIndexed(plan.field, one) ?? []);
    const [value] = values;
    if (value === undefined) continue;
    f[plan.name] = plan.field.many === true ? [...new Set(values)] : value;
  }
  if (searched.length === 0) return { f };
  const lines = searched.map((plan) => lineOf(document, plan));
  const words = [...new Set(lines.join('').split(' '))].join(' ').trim();
  if (words === '') return { f };
  return { f, words, lines: Buffer.from(lines.join('|')).toString('base64') };
}

export function elementsOf(document: JsonObject, { name }: FieldPlan): readonly JsonValue[] {
  const value = document[name] ?? [];
  return Array.isArray(value) ? value : [value];
}

function lineOf(document: JsonObject, plan: FieldPlan): string {
  const words = elementsOf(document, plan).flatMap((element) => wordsOf(String(element)));
  return words.length === 0 ? '' : ` ${words.join(' ')} `;
}
