import { randomUUID } from 'node:crypto';
import type { Client } from '@elastic/elasticsearch';

/** So long the server keeps a state from one page to the next. */
const keepAlive = '1m';
const keepAliveMs = 60_000;
/** Each holds on to files of the server: beyond these the one that was used longest ago is let go. */
const mostSnapshots = 100;

/**
 * The states that the later pages of a question come from: points in time of the server, under names
 * that are known in this process alone. A cursor that named the server's own could be made to name
 * that of another index.
 *
 * The first page is read without one, as most questions have no second; the second opens it. Where
 * there is none (any more), because it was too long ago or another process gave the page before, the
 * page goes on behind its place in the present state.
 */
export function createSnapshots(client: Client, now: () => number) {
  type Snapshot = { readonly index: string; pit: string; until: number };
  const snapshots = new Map<string, Snapshot>();

  async function letGo(name: string): Promise<void> {
    const snapshot = snapshots.get(name);
    snapshots.delete(name);
    if (snapshot === undefined || snapshot.until <= now()) return;
    await client.closePointInTime({ id: snapshot.pit }).catch(() => undefined);
  }

  return {
    /** Undefined where it is not of the index, or is no more. */
    find: (name: string | undefined, index: string) => {
      const snapshot = name === undefined ? undefined : snapshots.get(name);
      if (name === undefined || snapshot === undefined || snapshot.index !== index)
        return undefined;
      if (snapshot.until <= now()) return undefined;
      return { name, pit: { id: snapshot.pit, keep_alive: keepAlive } };
    },
    open: async (index: string) => {
      const { id } = await client.openPointInTime({ index, keep_alive: keepAlive });
      const [oldest] = snapshots.keys();
      if (snapshots.size >= mostSnapshots && oldest !== undefined) void letGo(oldest);
      const name = randomUUID().slice(0, 8);
      snapshots.set(name, { index, pit: id, until: now() + keepAliveMs });
      return { name, pit: { id, keep_alive: keepAlive } };
    },
    /** The server gives a point in time another id now and then. */
    used: (name: string, pit: string | undefined) => {
      const snapshot = snapshots.get(name);
      if (snapshot === undefined) return;
      snapshots.delete(name);
      snapshots.set(name, { ...snapshot, pit: pit ?? snapshot.pit, until: now() + keepAliveMs });
    },
    letGo,
    close: async () => {
      await Promise.all([...snapshots.keys()].map(letGo));
    },
  };
}
