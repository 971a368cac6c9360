import { setTimeout as delay, setImmediate as nextTurn } from 'node:timers/promises';
import { type Client, errors } from '@elastic/elasticsearch';
import { type Complaint, complaintOf, faultOf, mayPass, toComplaint } from '../faults.ts';
import { writeAlias } from './names.ts';

/** One line or two of a bulk. */
export type Item = {
  /** It is written to through its own alias: an index of that name is never made by a bulk. */
  readonly index: string;
  readonly id: string;
  readonly op: 'index' | 'create' | 'delete';
  /** External, as text: it may have 63 bits. */
  readonly version?: { readonly type: 'external' | 'external_gte'; readonly number: string };
  /** Only where nobody has written since it was read. */
  readonly unchanged?: { readonly seqNo: number; readonly primaryTerm: number };
  /** Gives JSON, when its turn comes; absent for a delete. */
  readonly source?: () => string;
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
  mostItems: 350,
  mostLength: 4 * 1024 * 1024,
  inFlight: 3,
  resends: 6,
  firstPauseMs: 50,
};

/** An item as it is sent, and where it stands among those that were given. */
type Line = { readonly i: number; readonly text: string };

/**
 * In UTF-16 halves. Elasticsearch has no room for an item that is a good part of its memory, now or
 * later, and does not tell that from being overloaded.
 */
const largestItem = 16 * 1024 * 1024;
const tooLarge: Complaint = { status: 413, type: 'too_large', reason: '', index: undefined };

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
  const { mostItems, mostLength, inFlight, resends, firstPauseMs } = options;

  async function post(lines: readonly Line[]): Promise<BulkResult> {
    const operations = Buffer.from(lines.map(({ text }) => text).join(''));
    return (await client.bulk({
      // The client hands a text on as it is.
      operations: operations as unknown as never[],
      require_alias: true,
      // A shard that is not there is not waited for: that is a fault, which the caller waits out.
      timeout: '1s',
      filter_path: 'errors,items.*.status,items.*.error',
    })) as unknown as BulkResult;
  }

  /** What became of each; a complaint that may pass where it was not taken. */
  async function attempt(lines: readonly Line[]): Promise<readonly Outcome[]> {
    try {
      const { errors: failed, items: results = [] } = await post(lines);
      if (!failed) return lines.map(() => 'done');
      return lines.map((_, k) => outcomeOf(Object.values(results[k] ?? {})[0]));
    } catch (error) {
      if (!(error instanceof errors.ResponseError)) throw error;
      const complaint = complaintOf(error);
      if (mayPass(complaint) || (complaint.status === 413 && lines.length === 1)) {
        return lines.map(() => complaint);
      }
      if (complaint.status !== 413) throw error;
      const middle = lines.length >> 1;
      const first = await attempt(lines.slice(0, middle));
      return [...first, ...(await attempt(lines.slice(middle)))];
    }
  }

  /** Gives the outcomes to `told`, in the order in which they are known. */
  async function settle(
    items: readonly Item[],
    lines: readonly Line[],
    told: Outcome[],
  ): Promise<void> {
    let waiting = lines;
    for (let round = 0; ; round += 1) {
      const outcomes = await attempt(waiting);
      const passing: Line[] = [];
      for (const [k, line] of waiting.entries()) {
        const outcome = naming(items[line.i] as Item, outcomes[k] as Outcome);
        told[line.i] = outcome;
        if (isFault(outcome)) throw faultOf(outcome, what);
        if (isPassing(outcome)) passing.push(line);
      }
      const [first] = passing;
      if (first === undefined) return;
      if (round === resends) throw faultOf(told[first.i] as Complaint, what);
      await delay(firstPauseMs * 2 ** round * (0.5 + Math.random()));
      waiting = passing;
    }
  }

  return async (items) => {
    const told: Outcome[] = [];
    let next = 0;
    let failed = false;
    /** Made only now: while the server is at work on some, the next are made. */
    const take = (): readonly Line[] => {
      const lines: Line[] = [];
      for (let length = 0; next < items.length && lines.length < mostItems; next += 1) {
        const text = toText(items[next] as Item);
        if (text.length > largestItem) {
          told[next] = { ...tooLarge, index: items[next]?.index };
          continue;
        }
        if (lines.length > 0 && length + text.length > mostLength) break;
        length += text.length;
        lines.push({ i: next, text });
      }
      return lines;
    };
    const work = async (_: unknown, i: number) => {
      // What the first has made is on its way before the second makes anything.
      for (let turn = 0; turn < i; turn += 1) await nextTurn();
      for (let lines = take(); lines.length > 0 && !failed; lines = take()) {
        await settle(items, lines, told).catch((error: unknown) => {
          failed = true;
          throw error;
        });
      }
    };
    const ends = await Promise.allSettled(Array.from({ length: inFlight }, work));
    for (const end of ends) if (end.status === 'rejected') throw end.reason;
    return told;
  };
}

function toText({ index, id, op, version, unchanged, source }: Item): string {
  // By hand: the version is a number that JSON.stringify would have to be given as a double.
  const guard =
    version !== undefined
      ? `,"version":${version.number},"version_type":"${version.type}"`
      : unchanged !== undefined
        ? `,"if_seq_no":${unchanged.seqNo},"if_primary_term":${unchanged.primaryTerm}`
        : '';
  const action = `{"${op}":{"_index":"${writeAlias(index)}","_id":${JSON.stringify(id)}${guard}}}\n`;
  return source === undefined ? action : `${action}${source()}\n`;
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

/** With the index that it is about. */
function naming({ index }: Item, outcome: Outcome): Outcome {
  return typeof outcome === 'object' ? { ...outcome, index } : outcome;
}

const isPassing = (one: Outcome): boolean => typeof one === 'object' && mayPass(one);

/** Rather than a refusal of this one document. */
function isFault(one: Outcome): one is Complaint {
  if (typeof one !== 'object' || mayPass(one)) return false;
  return one.status !== 413 && (one.status !== 400 || /closed|alias|illegal_state/.test(one.type));
}
