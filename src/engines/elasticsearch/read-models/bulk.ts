import { setTimeout as delay } from 'node:timers/promises';
import { type Client, errors } from '@elastic/elasticsearch';
import { type Complaint, complaintOf, faultOf, mayPass, toComplaint } from '../faults.ts';

/** One line or two of a bulk. */
export type Item = {
  /** An alias: an index of that name is never made by a bulk. */
  readonly alias: string;
  readonly id: string;
  readonly op: 'index' | 'create' | 'delete';
  /** External, as text: it may have 63 bits. */
  readonly version?: { readonly type: 'external' | 'external_gte'; readonly number: string };
  /** Only where nobody has written since it was read. */
  readonly unchanged?: { readonly seqNo: number; readonly primaryTerm: number };
  /** JSON; absent for a delete. */
  readonly source?: string;
};

/** `conflict`: the stored one's version forbids it. A complaint: refused for good. */
export type Outcome = 'done' | 'conflict' | Complaint;

export type SendBulk = (items: readonly Item[]) => Promise<readonly Outcome[]>;

export type BulkOptions = {
  /** What of a request, at most: items and bytes of UTF-16 halves. */
  readonly mostItems: number;
  readonly mostLength: number;
  /** How many requests at once. */
  readonly inFlight: number;
  /** How often an item is sent again that Elasticsearch had no room for. */
  readonly resends: number;
  readonly firstPauseMs: number;
};

export const usualBulk: BulkOptions = {
  mostItems: 1_000,
  mostLength: 4 * 1024 * 1024,
  inFlight: 3,
  resends: 6,
  firstPauseMs: 50,
};

type BulkResult = {
  readonly errors: boolean;
  readonly items?: readonly Readonly<Record<string, { status: number; error?: unknown }>>[];
};

/**
 * Sends items, each for another entry, in requests of a good size, a few at once, and pairs each with
 * what became of it. What Elasticsearch has no room for at the moment is sent again, alone, after
 * pauses that grow; so the answer is there only when every item is settled, and what is written to
 * the same entries later cannot come before. A fault ends it; others may have been written then.
 *
 * @throws StoreFault
 */
export function createBulk(client: Client, what: string, options = usualBulk): SendBulk {
  const { inFlight, resends, firstPauseMs } = options;

  async function post(items: readonly Item[]): Promise<BulkResult> {
    const operations = items.map(linesOf).join('');
    return (await client.bulk({
      // The client hands a text on as it is.
      operations: operations as unknown as never[],
      require_alias: true,
      filter_path: 'errors,items.*.status,items.*.error',
    })) as unknown as BulkResult;
  }

  /** What became of each; a complaint that may pass where it was not taken. */
  async function attempt(items: readonly Item[]): Promise<readonly Outcome[]> {
    try {
      const { errors: failed, items: results = [] } = await post(items);
      if (!failed) return items.map(() => 'done');
      return items.map((_, i) => outcomeOf(Object.values(results[i] ?? {})[0]));
    } catch (error) {
      if (!(error instanceof errors.ResponseError)) throw error;
      const complaint = complaintOf(error);
      if (complaint.status !== 413 || items.length === 1) return items.map(() => complaint);
      const middle = items.length >> 1;
      const first = await attempt(items.slice(0, middle));
      return [...first, ...(await attempt(items.slice(middle)))];
    }
  }

  async function settle(items: readonly Item[]): Promise<readonly Outcome[]> {
    const settled = [...(await attempt(items))];
    for (let round = 0; ; round += 1) {
      const waiting = settled.flatMap((one, i) => (isPassing(one) ? i : []));
      const [first] = waiting;
      if (first === undefined) return settled;
      if (round === resends) throw faultOf(settled[first] as Complaint, what);
      await delay(firstPauseMs * 2 ** round * (0.5 + Math.random()));
      const again = await attempt(waiting.map((i) => items[i] as Item));
      for (const [k, i] of waiting.entries()) settled[i] = again[k] as Outcome;
    }
  }

  return async (items) => {
    const chunks = chunksOf(items, options);
    const outcomes: (readonly Outcome[])[] = [];
    let next = 0;
    const work = async () => {
      while (next < chunks.length) {
        const i = next;
        next += 1;
        const settled = await settle(chunks[i] ?? []);
        for (const one of settled) if (isFault(one)) throw faultOf(one, what);
        outcomes[i] = settled;
      }
    };
    const workers = Array.from({ length: Math.min(inFlight, chunks.length) }, work);
    const ends = await Promise.allSettled(workers);
    for (const end of ends) if (end.status === 'rejected') throw end.reason;
    return outcomes.flat();
  };
}

function linesOf({ alias, id, op, version, unchanged, source }: Item): string {
  // By hand: the version is a number that JSON.stringify would have to be given as a double.
  const guard =
    version !== undefined
      ? `,"version":${version.number},"version_type":"${version.type}"`
      : unchanged !== undefined
        ? `,"if_seq_no":${unchanged.seqNo},"if_primary_term":${unchanged.primaryTerm}`
        : '';
  const action = `{"${op}":{"_index":${JSON.stringify(alias)},"_id":${JSON.stringify(id)}${guard}}}\n`;
  return source === undefined ? action : `${action}${source}\n`;
}

function outcomeOf(result: { status: number; error?: unknown } | undefined): Outcome {
  if (result === undefined) {
    return { status: 500, type: 'error', reason: 'the answer lacks an item', index: undefined };
  }
  // A delete of what isn't there has the status 404 and no error.
  if (result.error === undefined) return 'done';
  if (result.status === 409) return 'conflict';
  return toComplaint(result.status, result.error);
}

const isPassing = (one: Outcome): boolean => typeof one === 'object' && mayPass(one);

/** Rather than a refusal of this one document. */
function isFault(one: Outcome): one is Complaint {
  if (typeof one !== 'object') return false;
  return one.status !== 413 && (one.status !== 400 || /closed|alias|illegal_state/.test(one.type));
}

function chunksOf(items: readonly Item[], { mostItems, mostLength }: BulkOptions): Item[][] {
  const chunks: Item[][] = [];
  let chunk: Item[] = [];
  let length = 0;
  for (const item of items) {
    const own = (item.source?.length ?? 0) + 200;
    if (chunk.length > 0 && (chunk.length === mostItems || length + own > mostLength)) {
      chunks.push(chunk);
      chunk = [];
      length = 0;
    }
    chunk.push(item);
    length += own;
  }
  if (chunk.length > 0) chunks.push(chunk);
  return chunks;
}
