import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Client } from '@elastic/elasticsearch';
import type { Heartbeat } from '../../../projection/read-model-store.ts';
import { faultOf } from '../faults.ts';
import { createBulk, type Item } from './bulk.ts';
import { toHeartbeatSource } from './entries.ts';
import type { Layout } from './layout.ts';
import { heartbeatId } from './names.ts';
import type { Progress } from './progress.ts';

const what = 'cannot note the heartbeat';

/** Those of one turn of the event loop go in one request: of all views, every second. */
export function createHeartbeats(client: Client, progress: Progress) {
  const send = createBulk(client, what);
  let next: { readonly items: Item[]; readonly sent: Promise<void> } | undefined;

  async function sendAll(items: readonly Item[]): Promise<void> {
    await nextTurn();
    next = undefined;
    await progress.made();
    for (const outcome of await send(items)) {
      if (typeof outcome === 'object') throw faultOf(outcome, what);
    }
  }

  return ({ id }: Layout, beat: Heartbeat): Promise<void> => {
    if (next === undefined) {
      const items: Item[] = [];
      next = { items, sent: sendAll(items) };
    }
    const source = () => toHeartbeatSource(beat);
    next.items.push({ index: progress.index, id: heartbeatId(id), op: 'index', source });
    return next.sent;
  };
}
