import type { Decider } from '../kernel/decider.ts';
import type { JsonObject, JsonValue } from '../kernel/json.ts';
import type { StreamName } from '../kernel/stream-name.ts';
import type { DecodeEvent } from './codec.ts';
import type { EventStore } from './event-store.ts';
import { deriveUuid } from './ids.ts';

/** An aggregate as the log has it. Revision -1 is "no stream yet". */
export type StoredState = { readonly state: unknown; readonly revision: number };

export type StateLoader = {
  /** From the newest usable snapshot, and the events after it. */
  readonly load: (decider: Decider, stream: StreamName) => Promise<StoredState>;
  /** The state with what was stored after it; the same object where that is nothing. */
  readonly follow: (
    decider: Decider,
    stream: StreamName,
    from: StoredState,
  ) => Promise<StoredState>;
  /** Keeps a state that is stored up to its revision, for `load`. */
  readonly keep: (decider: Decider, stream: StreamName, at: StoredState) => Promise<void>;
};

const snapshotType = 'cipherhorizon.platform.v1.Snapshot';
const snapshotsKept = 2;

/** Snapshots of `<stream>` live in the stream `snapshot-<stream>`, of which the newest are kept. */
export function createStateLoader(
  store: EventStore,
  decoderOf: (decider: Decider) => DecodeEvent,
): StateLoader {
  const follow: StateLoader['follow'] = async (decider, stream, from) => {
    const decode = decoderOf(decider);
    let { state, revision } = from;
    for await (const event of store.read(stream, { from: revision + 1 })) {
      const message = decode(event);
      if (message !== undefined) state = decider.evolve(state, message);
      revision = event.revision;
    }
    return revision === from.revision ? from : { state, revision };
  };
  return {
    follow,
    load: async (decider, stream) => {
      const snapshot = await newestSnapshot(store, decider, stream);
      return follow(decider, stream, snapshot ?? { state: decider.initial, revision: -1 });
    },
    keep: async (decider, stream, at) => {
      const data: JsonObject = {
        version: decider.snapshot.version,
        revision: at.revision,
        state: decider.snapshot.toJson(at.state),
      };
      const id = deriveUuid(snapshotType, `${stream}@${at.revision}/${decider.snapshot.version}`);
      const event = { id, type: snapshotType, data, metadata: {} };
      const into = snapshotStream(stream);
      const result = await store.append(into, 'any', [event]);
      if (result.appended && result.revision === 0) await store.keepNewest(into, snapshotsKept);
    },
  };
}

function snapshotStream(stream: StreamName): StreamName {
  return `snapshot-${stream}`;
}

async function newestSnapshot(
  store: EventStore,
  decider: Decider,
  stream: StreamName,
): Promise<StoredState | undefined> {
  const newest = { direction: 'backwards', limit: snapshotsKept } as const;
  for await (const event of store.read(snapshotStream(stream), newest)) {
    const { version, revision, state } = event.data;
    if (version !== decider.snapshot.version || typeof revision !== 'number') continue;
    return { state: decider.snapshot.fromJson(state as JsonValue), revision };
  }
  return undefined;
}
