import { isDecimal } from '../../../kernel/decimal.ts';
import type { JsonObject, JsonValue } from '../../../kernel/json.ts';
import type { Field } from '../../../projection/kit.ts';
import { toSortable } from '../../../read/sortable-decimal.ts';
import { fold, wordsOf } from '../../../read/words.ts';
import type { Layout } from './layout.ts';

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
    const isTooLong = (element: JsonValue) => isLongTerm(plan.field, element);
    const elements = Array.isArray(value) ? (value as readonly JsonValue[]) : [value];
    if (elements.some(isTooLong) && layout.indexed.includes(plan)) {
      return `the field "${name}" is longer than ${mostTermBytes} bytes`;
    }
  }
  return undefined;
}

function isLongTerm(field: Field, value: JsonValue): boolean {
  // Folded, a letter may become two, of three bytes each.
  if (typeof value !== 'string' || value.length * 6 <= mostTermBytes) return false;
  return Buffer.byteLength(String(toIndexed(field, value))) > mostTermBytes;
}

/** For a document that has no problem. A field that is null is as one that is not there. */
export function derive({ indexed, searched }: Layout, document: JsonObject): Derived {
  const f: Record<string, IndexValue | readonly IndexValue[]> = {};
  for (const { name, field } of indexed) {
    const value = document[name] ?? undefined;
    if (value === undefined) continue;
    const made = Array.isArray(value) ? elementsToIndexed(field, value) : toIndexed(field, value);
    if (made !== undefined) f[name] = made;
  }
  if (searched.length === 0) return { f };
  let words = '';
  let lines = '';
  for (const [i, { name }] of searched.entries()) {
    const line = lineOf(document[name] ?? undefined);
    words += line;
    lines += i === 0 ? line : `|${line}`;
  }
  if (words === '') return { f };
  return { f, words, lines: Buffer.from(lines).toString('base64') };
}

function elementsToIndexed(field: Field, values: readonly JsonValue[]): readonly IndexValue[] {
  return [...new Set(values.flatMap((value) => toIndexed(field, value) ?? []))];
}

function lineOf(value: JsonValue | undefined): string {
  if (value === undefined) return '';
  const text = Array.isArray(value) ? value.join(' ') : String(value);
  const words = wordsOf(text);
  return words.length === 0 ? '' : ` ${words.join(' ')} `;
}
