import type { Client } from '@elastic/elasticsearch';
import { faultOf, toComplaint } from '../faults.ts';
import { checkpointId } from './names.ts';

/**
 * Shows what has been written to lists and searches.
 *
 * @throws StoreFault where the index has no shard: Elasticsearch itself would wait for one for a
 * minute, so an entry is read beside it, for which it does not wait
 */
export async function refreshIndex(client: Client, index: string): Promise<void> {
  const what = `cannot refresh "${index}"`;
  const stop = new AbortController();
  const probe = async () => {
    const [entry] = (await client.mget({ docs: [{ _index: index, _id: checkpointId }] })).docs;
    // That there is no index at all is told by the refresh itself.
    if (entry === undefined || !('error' in entry)) return;
    if (entry.error.type === 'index_not_found_exception') return;
    throw faultOf(toComplaint(503, entry.error), what);
  };
  try {
    const refresh = client.indices.refresh({ index }, { signal: stop.signal });
    const [{ _shards: shards }] = await Promise.all([refresh, probe()]);
    if ((shards?.failed ?? 0) === 0) return;
    throw faultOf(toComplaint(503, shards?.failures?.[0]?.reason), what);
  } finally {
    stop.abort();
  }
}

/**
 * One refresh at a time of each index, shared by all that wait: who asks while one is under way
 * cannot know whether it shows his write, and shares the next.
 */
export function createRefreshing(refresh: (index: string) => Promise<void>) {
  type Turn = { readonly now: Promise<void>; next: Promise<void> | undefined };
  const turns = new Map<string, Turn>();

  function start(index: string): Promise<void> {
    const now = refresh(index);
    const turn: Turn = { now, next: undefined };
    turns.set(index, turn);
    const over = () => {
      if (turns.get(index) === turn) turns.delete(index);
    };
    now.then(over, over);
    return now;
  }

  return (index: string): Promise<void> => {
    const turn = turns.get(index);
    if (turn === undefined) return start(index);
    turn.next ??= turn.now.then(
      () => start(index),
      () => start(index),
    );
    return turn.next;
  };
}
