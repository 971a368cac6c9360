import type { Client, estypes } from '@elastic/elasticsearch';
import { statusOf } from '../faults.ts';
import { type Place, type Question, toCursor } from './cursor.ts';
import type { Source } from './entries.ts';
import type { createSnapshots } from './snapshots.ts';

type Hit = estypes.SearchHit<Source>;

/** One page: what is searched for, and where it begins. */
export type PagePlan = {
  readonly question: Question;
  readonly limit: number;
  readonly after: Place | undefined;
  /** Without a place. */
  readonly body: estypes.SearchRequest;
  readonly placeOf: (hit: Hit) => Place;
  readonly searchAfter: (place: Place) => estypes.SortResults;
};

export type PageOfHits = {
  readonly hits: readonly Hit[];
  readonly next?: string;
  readonly total: number;
  readonly aggregations: unknown;
};

/** Elasticsearch gives no more than 10,000 at once. */
const mostAtOnce = 5_000;

/** Reads pages of an index: the first as it is now, the later ones from one state. */
export function createPages(client: Client, snapshots: ReturnType<typeof createSnapshots>) {
  type From = Awaited<ReturnType<typeof snapshots.open>> | undefined;

  async function readFrom(from: From, index: string, plan: PagePlan): Promise<PageOfHits> {
    const { body, limit, placeOf, searchAfter, question } = plan;
    const hits: Hit[] = [];
    let after = plan.after;
    let total = 0;
    let aggregations: unknown;
    for (let isFirst = true; ; isFirst = false) {
      const isCount = limit === 0 && after === undefined;
      const size = isCount ? 0 : Math.min(limit + 1 - hits.length, mostAtOnce);
      const result = await client.search<Source>({
        ...(isFirst ? body : withoutCounts(body)),
        // Nobody looks at the documents: they are counted alone, in no order.
        ...(isCount && { sort: [] }),
        size,
        allow_partial_search_results: false,
        ...(from === undefined ? { index } : { pit: from.pit }),
        ...(after !== undefined && { search_after: searchAfter(after) }),
      });
      if (from !== undefined) snapshots.used(from.name, result.pit_id);
      if (isFirst) {
        const found = result.hits.total;
        total = typeof found === 'number' ? found : (found?.value ?? 0);
        aggregations = result.aggregations;
      }
      hits.push(...result.hits.hits);
      const last = hits.at(-1);
      if (result.hits.hits.length < size || hits.length > limit || last === undefined) break;
      after = placeOf(last);
    }
    const items = hits.slice(0, limit);
    const last = items.at(-1);
    const isLast = hits.length <= limit || last === undefined;
    if (isLast && from !== undefined) await snapshots.letGo(from.name);
    const page = { hits: items, total, aggregations };
    if (isLast) return page;
    const place = { ...placeOf(last), ...(from !== undefined && { snapshot: from.name }) };
    return { ...page, next: toCursor(question, place) };
  }

  return async (index: string, plan: PagePlan): Promise<PageOfHits> => {
    const isOneLook = plan.after === undefined && plan.limit < mostAtOnce;
    if (isOneLook) return readFrom(undefined, index, plan);
    const known = snapshots.find(plan.after?.snapshot, index) ?? (await snapshots.open(index));
    try {
      return await readFrom(known, index, plan);
    } catch (error) {
      if (statusOf(error) !== 404) throw error;
      // The server has let go of it: on in the present.
      await snapshots.letGo(known.name);
      return readFrom(undefined, index, plan);
    }
  };
}

function withoutCounts(body: estypes.SearchRequest): estypes.SearchRequest {
  const { aggregations, ...rest } = body;
  return { ...rest, track_total_hits: false };
}
