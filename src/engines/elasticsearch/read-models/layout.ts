import type { estypes } from '@elastic/elasticsearch';
import type { Field, Schema } from '../../../projection/kit.ts';

/** A field of a generation's schema. */
export type FieldPlan = {
  readonly name: string;
  readonly field: Field;
  /** Where its values are that are filtered, sorted and counted by. */
  readonly path: string;
};

/** A generation's schema, and the index that was made for it. */
export type Layout = {
  readonly index: string;
  /** The index's own, given when it was made: another index of the same name has another one. */
  readonly id: string;
  readonly view: string;
  readonly generation: number;
  readonly fields: ReadonlyMap<string, FieldPlan>;
  /** What `f` holds. */
  readonly indexed: readonly FieldPlan[];
  readonly searched: readonly FieldPlan[];
};

export function layoutOf(
  { index, id }: Pick<Layout, 'index' | 'id'>,
  view: string,
  generation: number,
  schema: Schema,
): Layout {
  const fields = Object.entries(schema).map(([name, field]): FieldPlan => {
    return { name, field, path: `f.${name}` };
  });
  return {
    index,
    id,
    view,
    generation,
    fields: new Map(fields.map((plan) => [plan.name, plan])),
    indexed: fields.filter(({ field }) => (field.filter || field.sort || field.facet) === true),
    searched: fields.filter(({ field }) => field.search !== undefined),
  };
}

/** Prefixes up to this length are indexed; there are few words with a longer one in common. */
const longestPrefix = 4;

/**
 * The strict mapping of a generation. An entry has
 * - k: what it is. d: a document; x: one that was deleted; p: a parked event; m: the checkpoint.
 * - id: of the document. at: its version. doc: the document, not looked into.
 * - f: what is filtered, sorted and counted by, made of the document. Text is folded before it comes
 *   here, by the same code for every engine, so that all find the same; a decimal is a text that
 *   sorts as its value: a number would lose digits.
 * - words: the folded words of all searched fields. Only whether a document has a word is kept.
 * - lines: the same by field, for the score of a match.
 * - meta: of p and m, not looked into.
 */
export function mappingOf(layout: Layout): estypes.MappingTypeMapping {
  const hasWords = layout.searched.length > 0;
  return {
    dynamic: 'strict',
    properties: {
      k: { type: 'keyword' },
      id: { type: 'keyword' },
      at: { type: 'keyword', index: false, doc_values: false },
      doc: { type: 'object', enabled: false },
      meta: { type: 'object', enabled: false },
      f: {
        type: 'object',
        dynamic: 'strict',
        properties: Object.fromEntries(
          layout.indexed.map(({ name, field }) => [name, propertyOf(field)]),
        ),
      },
      ...(hasWords && {
        words: {
          type: 'text',
          analyzer: 'whitespace',
          index_options: 'docs',
          norms: false,
          index_prefixes: { min_chars: 1, max_chars: longestPrefix },
        },
        lines: { type: 'binary', doc_values: true },
      }),
    },
  };
}

function propertyOf({ kind }: Field): estypes.MappingProperty {
  switch (kind) {
    case 'integer':
    case 'instant':
      return { type: 'long' };
    case 'boolean':
      return { type: 'boolean' };
    default:
      return { type: 'keyword' };
  }
}

/** What is wrong with a schema or a name for this engine, or undefined. */
export function problemOfView(name: string, schema: Schema): string | undefined {
  if (!/^[a-z][a-z0-9_]*$/.test(name)) return `the name of the view "${name}" is not allowed`;
  for (const [field, { kind, many, filter, sort, search, facet }] of Object.entries(schema)) {
    const where = `the field "${field}" of the view "${name}"`;
    if (!/^[A-Za-z][A-Za-z0-9_]*$/.test(field)) return `${where} has a name that is not allowed`;
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
