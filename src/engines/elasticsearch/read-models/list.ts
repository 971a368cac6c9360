import type { estypes } from '@elastic/elasticsearch';
import { fieldOf } from '../../../read/declared-field.ts';
import type { ListRequest, ReadModel } from '../../../read/read-models.ts';
import { fromCursor, type Place, type Question } from './cursor.ts';
import { documentFields } from './entries.ts';
import type { FieldPlan, Layout } from './layout.ts';
import type { PagePlan } from './pages.ts';
import { queryOf } from './queries.ts';

/** Beyond every safe integer, and exact as a double. */
const farAway = 2 ** 53;

export function planList(
  layout: Layout,
  model: ReadModel,
  { where, sort, limit, after }: ListRequest,
  asked: 'list' | 'search',
): PagePlan {
  const question: Question = [asked, model.name, where, sort];
  const place = after === undefined ? undefined : fromCursor(question, after);
  const by = sort === undefined ? undefined : fieldOf(layout, model, sort.field, 'sort');
  const query = queryOf(layout, model, where);
  const descending = sort?.descending === true;
  return {
    question,
    limit,
    after: place,
    placeOf: ({ _source: source }) => ({
      id: source?.id ?? '',
      value: by === undefined ? null : ((source?.f?.[by.name] ?? null) as Place['value']),
    }),
    body: {
      query,
      sort: [...(by === undefined ? [] : [sortOf(by, descending)]), { id: 'asc' }],
      track_total_hits: false,
      _source: [...documentFields, ...(by === undefined ? [] : [by.path])],
    },
    searchAfter: ({ value, id }) =>
      by === undefined ? [id] : [sortValue(by, descending, value), id],
  };
}

/** Documents without the field come last. */
function sortOf({ field, path }: FieldPlan, descending: boolean): estypes.SortCombinations {
  const order = descending ? 'desc' : 'asc';
  // By itself, Elasticsearch puts the lowest or highest of 64 bits there, which no number of ours is.
  const missing = isNumber(field.kind) ? (descending ? -farAway : farAway) : '_last';
  return { [path]: { order, missing } };
}

function sortValue({ field }: FieldPlan, descending: boolean, value: Place['value']) {
  if (!isNumber(field.kind)) return value;
  if (value === null) return descending ? -farAway : farAway;
  return Number(value);
}

const isNumber = (kind: FieldPlan['field']['kind']): boolean =>
  kind === 'integer' || kind === 'instant' || kind === 'boolean';
