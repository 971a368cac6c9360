import type { estypes } from '@elastic/elasticsearch';
import { fieldOf } from '../../../read/declared-field.ts';
import type { ReadModel, SearchRequest, SearchResult } from '../../../read/read-models.ts';
import { fromCursor, type Question } from './cursor.ts';
import { documentFields } from './entries.ts';
import type { Layout } from './layout.ts';
import { planList } from './list.ts';
import type { PagePlan } from './pages.ts';
import { queryOf } from './queries.ts';
import { byScore } from './scoring.ts';
import { type AskedWord, askedWords } from './words-asked.ts';

const mostBuckets = 10;

export type SearchPlan = {
  readonly page: PagePlan;
  readonly asked: readonly AskedWord[];
  readonly facets: readonly string[];
};

/** Undefined where nothing can match. */
export function planSearch(
  layout: Layout,
  model: ReadModel,
  request: SearchRequest,
): SearchPlan | undefined {
  const { text, where, limit, after, facets } = request;
  const aggregations = Object.fromEntries(
    facets.map((name, i) => [`f${i}`, facetOf(fieldOf(layout, model, name, 'facet').path)]),
  );
  const counted = {
    track_total_hits: true,
    ...(facets.length > 0 && { aggregations }),
  };
  if (text.trim() === '') {
    const inOrder = { where, limit, ...(after === undefined ? {} : { after }) };
    const page = planList(layout, model, inOrder, 'search');
    return { page: { ...page, body: { ...page.body, ...counted } }, asked: [], facets };
  }
  const question: Question = ['search', model.name, text, where];
  const place = after === undefined ? undefined : fromCursor(question, after);
  const asked = askedWords(text);
  if (asked.length === 0 || layout.searched.length === 0) return undefined;
  const page: PagePlan = {
    question,
    limit,
    after: place,
    placeOf: ({ sort, _source: source }) => ({ value: Number(sort?.[0]), id: source?.id ?? '' }),
    body: {
      query: queryOf(layout, model, where, asked),
      sort: [byScore(layout, asked), { id: 'asc' }],
      _source: documentFields,
      ...counted,
    },
    searchAfter: ({ value, id }) => [Number(value), id],
  };
  return { page, asked, facets };
}

/** Most frequent first, then by value. */
function facetOf(field: string): estypes.AggregationsAggregationContainer {
  return { terms: { field, size: mostBuckets, order: [{ _count: 'desc' }, { _key: 'asc' }] } };
}

type Bucket = {
  readonly key: string | number;
  readonly key_as_string?: string;
  readonly doc_count: number;
};

export function facetsOf(facets: readonly string[], aggregations: unknown): SearchResult['facets'] {
  const all = (aggregations ?? {}) as Readonly<Record<string, { buckets: readonly Bucket[] }>>;
  return facets.map((field, i) => ({
    field,
    buckets: (all[`f${i}`]?.buckets ?? []).map(({ key, key_as_string: text, doc_count: count }) => {
      return { value: text ?? String(key), count };
    }),
  }));
}
