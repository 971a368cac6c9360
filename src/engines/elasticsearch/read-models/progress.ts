import type { Client, estypes } from '@elastic/elasticsearch';
import { isAfter, latest, type Position, start } from '../../../kernel/position.ts';
import type { Heartbeat } from '../../../projection/read-model-store.ts';
import { faultOf, toComplaint } from '../faults.ts';
import { fromCheckpoint, fromHeartbeat, type Source } from './entries.ts';
import { checkpointId, heartbeatId, progressIndex } from './names.ts';
import { makeOwnIndex, unindexed } from './own-index.ts';
import { fromText } from './positions.ts';

/**
 * What changes all the time and concerns no document, in one index for all generations: a bulk waits
 * for the disk in every index that it writes to, and each is refreshed then, but of thirty views an
 * event concerns five.
 *
 * - A generation's heartbeat.
 * - Its reach: nothing that came after its own checkpoint, `base`, and up to the reach was for it.
 *   The checkpoint itself moves with its documents alone. So a reach says nothing of a generation
 *   that has lost what it had, as one that was put back from a backup: its checkpoint is before the
 *   base then. Nor of another index of the same name, which has another id.
 */
export function createProgress(client: Client, prefix: string) {
  const index = progressIndex(prefix);
  const checkpoints = new Map<string, Position>();
  let making: Promise<void> | undefined;

  const make = () => {
    const text = { type: 'keyword', ...unindexed } as const;
    const properties = { base: text, at: text, meta: { type: 'object', enabled: false } } as const;
    return makeOwnIndex(client, index, properties, {
      // Entries are read by their ids alone, which takes no refresh.
      refresh_interval: '-1',
      // What a server that is killed has lost of them is found missing, and made good.
      translog: { durability: 'async' },
    });
  };

  return {
    index,
    /** Before anything is written to it. */
    made: (): Promise<void> => {
      making ??= make().catch((error: unknown) => {
        making = undefined;
        throw error;
      });
      return making;
    },
    /** A checkpoint of a generation. One before another means that it has been put back since. */
    told: (generation: string, checkpoint: Position): void => {
      checkpoints.set(generation, latest(checkpoint, checkpoints.get(generation) ?? start));
    },
    /** What a reach of the generation can go on from; undefined while that is not known. */
    baseOf: (generation: string): Position | undefined => checkpoints.get(generation),
    /** After a fault: any index may have gone, or been put back. */
    forgetAll: (): void => {
      checkpoints.clear();
      making = undefined;
    },
  };
}

export type Progress = ReturnType<typeof createProgress>;

export type FoundProgress = {
  /** The index itself, where it was asked for by an alias. */
  readonly index: string;
  /** Its checkpoint. */
  readonly own: Position;
  /** Where it is: at its checkpoint, or at its reach. */
  readonly position: Position;
  readonly asOf: number;
  readonly heartbeat: Heartbeat;
};

type Asked = { readonly index: string; readonly id: string };

const mostLooks = 3;
const fields = ['at', 'base', 'meta'];

/**
 * How far generations are.
 *
 * @param failed the fault that it is that an index cannot be read
 */
export async function readProgress(
  client: Client,
  prefix: string,
  asked: readonly Asked[],
  failed: (error: estypes.ErrorCause, index: string) => Error,
): Promise<readonly FoundProgress[]> {
  if (asked.length === 0) return [];
  const progress = progressIndex(prefix);
  const docs = asked.flatMap(({ index, id }) => [
    { _index: index, _id: checkpointId, _source: fields },
    { _index: progress, _id: id, _source: fields },
    { _index: progress, _id: heartbeatId(id), _source: fields },
  ]);
  for (let look = 1; ; look += 1) {
    const entries = (await client.mget<Source>({ docs })).docs;
    const found = asked.map(({ index }, i) => {
      const own = entries[3 * i];
      if (own === undefined || 'error' in own) {
        throw failed(own?.error ?? { type: 'error', reason: 'the answer lacks an entry' }, index);
      }
      return {
        index: own._index,
        checkpoint: fromCheckpoint(own._source),
        reach: sourceOf(entries[3 * i + 1], progress),
        heartbeat: fromHeartbeat(sourceOf(entries[3 * i + 2], progress)),
      };
    });
    // Both may have been written between the looks at the one and at the other.
    const isTorn = found.some((one) => isAfter(baseOf(one.reach), one.checkpoint.position));
    if (isTorn && look < mostLooks) continue;
    return found.map(({ index, checkpoint, reach, heartbeat }) => {
      const own = checkpoint.position;
      const beyond = fromCheckpoint(reach);
      const isReached = !isAfter(baseOf(reach), own) && isAfter(beyond.position, own);
      return { index, own, ...(isReached ? beyond : checkpoint), heartbeat };
    });
  }
}

function baseOf(reach: Source | undefined): Position {
  return fromText(reach?.base) ?? start;
}

/** Undefined as well while there is no index of progress yet. */
function sourceOf(
  entry: estypes.MgetResponseItem<Source> | undefined,
  index: string,
): Source | undefined {
  if (entry === undefined) return undefined;
  if (!('error' in entry)) return entry._source;
  if (entry.error.type === 'index_not_found_exception') return undefined;
  throw faultOf(toComplaint(503, entry.error), `cannot read "${index}"`);
}
