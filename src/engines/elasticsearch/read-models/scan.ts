import type { Client, estypes } from '@elastic/elasticsearch';
import { statusOf } from '../faults.ts';
import type { Source } from './entries.ts';
import type { Query } from './queries.ts';
import { refreshIndex } from './refreshing.ts';

const firstPage = 200;
/** The server looks through all entries for each page: few and large ones. */
const largestPage = 5_000;
/** As much of one page, in UTF-16 halves, as should be in memory. */
const pageLength = 8 * 1024 * 1024;
const keepAlive = '5m';

/**
 * The entries of an index that fulfil a query, in ascending order of a field that tells them apart,
 * as they are when it begins. Where it has been interrupted for so long that the server has let go
 * of that state, it goes on in the present one.
 */
export async function* scanEntries(
  client: Client,
  index: string,
  query: Query,
  fields: readonly string[] | true,
): AsyncGenerator<Source> {
  const open = async () => (await client.openPointInTime({ index, keep_alive: keepAlive })).id;
  await refreshIndex(client, index);
  let pit = await open();
  let after: string | undefined;
  let isRenewed = false;
  let page = firstPage;
  try {
    for (;;) {
      let hits: readonly estypes.SearchHit<Source>[];
      try {
        const result = await client.search<Source>({
          pit: { id: pit, keep_alive: keepAlive },
          size: page,
          query,
          sort: [{ id: 'asc' }],
          track_total_hits: false,
          allow_partial_search_results: false,
          _source: fields === true ? true : [...fields],
          ...(after !== undefined && { search_after: [after] }),
        });
        hits = result.hits.hits;
        pit = result.pit_id ?? pit;
        isRenewed = false;
      } catch (error) {
        if (statusOf(error) !== 404 || isRenewed) throw error;
        pit = await open();
        isRenewed = true;
        continue;
      }
      for (const { _source: source } of hits) if (source !== undefined) yield source;
      if (hits.length < page) return;
      after = hits.at(-1)?._source?.id;
      page = nextPage(hits);
    }
  } finally {
    await client.closePointInTime({ id: pit }).catch(() => undefined);
  }
}

/** By the size of some entries of this one. */
function nextPage(hits: readonly estypes.SearchHit<Source>[]): number {
  const step = Math.ceil(hits.length / 10);
  const sample = hits.filter((_, i) => i % step === 0);
  const length = Math.max(...sample.map(({ _source: source }) => JSON.stringify(source).length));
  return Math.max(1, Math.min(largestPage, hits.length * 4, Math.floor(pageLength / length)));
}
