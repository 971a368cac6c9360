import type { Client } from '@elastic/elasticsearch';
import { StoreFault } from '../../../kernel/fault.ts';
import { comparePositions, type Position } from '../../../kernel/position.ts';
import { type Complaint, faultOf, toComplaint } from '../faults.ts';
import type { Item, SendBulk } from './bulk.ts';
import { fromText, toVersion } from './positions.ts';

/** An entry of an index as it is to be, and the position that guards it. */
export type Entry = {
  readonly index: string;
  readonly id: string;
  readonly position: Position;
  /** Gives JSON, with the position under `at`. */
  readonly source: () => string;
  /** Whatever the stored one's position. */
  readonly overwrite: boolean;
};

const mostRounds = 10;
const readAtOnce = 1_000;

/** `kept`: the stored one is at the position or after it. A complaint: refused for good. */
export type Written = 'written' | 'kept' | Complaint;

/**
 * Writes entries, each another one, where their positions are after the stored ones'.
 *
 * How a position of two numbers guards an entry. Elasticsearch compares external versions, of one
 * number. The version of an entry is never less than the commit of its position. So
 * - a write whose commit is above the version is after what is stored: an ordinary write, in one go;
 * - a write that conflicts may be a repetition, or one after what is stored all the same: events of
 *   an old transaction share a commit and differ in prepare. The stored position is read, and
 *   the write goes on, if it is after that, under the condition that nobody has written in between.
 *   Such a write raises the version by one, which may put it above the commit: then the next write
 *   conflicts too, and comes this way.
 * An overwrite with a lower commit also raises the version.
 *
 * @throws StoreFault
 */
export function createWriting(client: Client, send: SendBulk, what: string) {
  async function write(entries: readonly Entry[]): Promise<readonly Written[]> {
    const results: Written[] = [];
    let waiting = entries.map((entry, i) => ({ entry, i, item: toItem(entry) }));
    for (let round = 0; waiting.length > 0; round += 1) {
      if (round === mostRounds) {
        throw new StoreFault('STORE_BUSY', `${what}: somebody else writes the same documents`);
      }
      const outcomes = await send(waiting.map(({ item }) => item));
      const conflicts = waiting.filter((_, k) => outcomes[k] === 'conflict');
      for (const [k, { i }] of waiting.entries()) {
        const outcome = outcomes[k];
        if (outcome === 'done') results[i] = 'written';
        else if (typeof outcome === 'object') results[i] = outcome;
      }
      const items = await secondThoughts(conflicts.map(({ entry }) => entry));
      waiting = conflicts.flatMap(({ entry, i }, k) => {
        const item = items[k];
        if (item !== undefined) return { entry, i, item };
        results[i] = 'kept';
        return [];
      });
    }
    return results;
  }

  /** How each is to be written after all; undefined where the stored one is not before it. */
  async function secondThoughts(entries: readonly Entry[]): Promise<readonly (Item | undefined)[]> {
    const items: (Item | undefined)[] = [];
    for (let from = 0; from < entries.length; from += readAtOnce) {
      const some = entries.slice(from, from + readAtOnce);
      const docs = some.map(({ index, id }) => ({ _index: index, _id: id, _source: ['at'] }));
      const found = (await client.mget<{ at?: string }>({ docs })).docs;
      for (const [k, entry] of some.entries()) {
        const { index, id, position, source, overwrite } = entry;
        const stored = found[k];
        if (stored !== undefined && 'error' in stored) {
          throw faultOf(toComplaint(404, stored.error), what);
        }
        const isThere = stored !== undefined && 'found' in stored && stored.found;
        if (overwrite) items.push({ index, id, op: 'index', source });
        else if (!isThere) items.push({ index, id, op: 'create', source });
        else {
          const at = fromText(stored._source?.at);
          const isBefore = at === undefined || comparePositions(at, position) < 0;
          const { _seq_no: seqNo = 0, _primary_term: primaryTerm = 0 } = stored;
          const unchanged = { seqNo, primaryTerm };
          items.push(isBefore ? { index, id, op: 'index', unchanged, source } : undefined);
        }
      }
    }
    return items;
  }

  return write;
}

function toItem({ index, id, position, source, overwrite }: Entry): Item {
  const type = overwrite ? 'external_gte' : 'external';
  const version = { type, number: toVersion(position) } as const;
  return { index, id, op: 'index', version, source };
}
