import { setTimeout as delay } from 'node:timers/promises';
import {
  ProjectionService,
  ProjectionState,
} from '../../src/gen/cipherhorizon/platform/v1/operations_pb.ts';
import { isAfter, type Position, position } from '../../src/kernel/position.ts';
import { eventually } from './clients.ts';
import { ask } from './elasticsearch.ts';
import type { ServerProcess } from './server-processes.ts';

/** What a projector says of itself and of the one that works. */
export async function projectorOf(server: ServerProcess) {
  const { projector, projections } = await server
    .client(ProjectionService)
    .listProjections({}, { timeoutMs: 10_000 });
  if (projector === undefined) throw new Error('it says nothing of itself');
  return { ...projector, projections };
}

/**
 * Asks seldom: for the answer every document is counted.
 *
 * @returns after how many milliseconds it works, and after how many it is live with every view
 */
export async function untilLive(
  server: ServerProcess,
): Promise<{ readonly worksMs: number; readonly liveMs: number }> {
  const startedAt = performance.now();
  await eventually(async () => {
    const { status, body } = await server.ready();
    if (status !== 200 || body.state === 'standby') throw new Error(JSON.stringify(body));
  }, 120_000);
  const worksMs = Math.round(performance.now() - startedAt);
  await eventually(async () => {
    const { projections } = await projectorOf(server);
    const behind = projections.find(({ state }) => state !== ProjectionState.LIVE);
    if (behind === undefined) return;
    await delay(200);
    throw new Error(`${behind.view} is in state ${behind.state}`);
  }, 120_000);
  return { worksMs, liveMs: Math.round(performance.now() - startedAt) };
}

export async function untilStandby(server: ServerProcess): Promise<void> {
  await eventually(async () => {
    const { body } = await server.ready();
    if (body.state !== 'standby') throw new Error(JSON.stringify(body));
  }, 60_000);
}

type Entry = { readonly _index: string; readonly _id: string };

/**
 * Looks at entries of live generations as Elasticsearch has them, again and again, until it is
 * stopped: checkpoints and documents whose position must never become an earlier one.
 */
export function watchPositions(entries: readonly Entry[]) {
  const newest = new Map<string, Position>();
  const wrong: string[] = [];
  const end = new AbortController();
  let looks = 0;

  async function look(): Promise<void> {
    const { docs } = (await ask('POST', '/_mget', {
      docs: entries.map((entry) => ({ ...entry, _source: ['at'] })),
    })) as { docs: (Entry & { _source?: { at: string } })[] };
    looks += 1;
    for (const [i, { _index, _id, _source }] of docs.entries()) {
      if (_source === undefined) continue;
      // The alias, not the generation that is behind it now.
      const key = `${entries[i]?._index}/${_id}`;
      const at = positionOf(_source.at);
      const before = newest.get(key) ?? at;
      if (isAfter(before, at)) wrong.push(`${key} is at ${_source.at}, of ${_index}`);
      else newest.set(key, at);
    }
  }

  const watching = (async () => {
    while (!end.signal.aborted) {
      await look();
      await delay(20);
    }
  })();
  // Whoever stops it hears of it.
  watching.catch(() => undefined);
  return {
    wrong,
    looks: () => looks,
    /** How many of the entries have been there. */
    seen: () => newest.size,
    stop: async () => {
      end.abort();
      await watching;
    },
  };
}

/** Of "commit" or "commit/prepare", as the index has it. */
function positionOf(at: string): Position {
  const [commit = '', prepare = commit] = at.split('/');
  return position(BigInt(commit), BigInt(prepare));
}
