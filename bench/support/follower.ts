import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { views } from '../../cmd/views.ts';
import { createSqliteEventSource } from '../../src/engines/sqlite/event-log.ts';
import { createSqliteReadModelStore } from '../../src/engines/sqlite/read-models.ts';
import type { EventSource } from '../../src/projection/event-source.ts';
import { createProjector } from '../../src/projection/projector.ts';
import type { ReadModelStore } from '../../src/projection/read-model-store.ts';
import { viewsFile } from './build-views.ts';
import { eventsFile } from './command-bus.ts';

/** So many events at a time, or those that came so long ago. */
export type FixedBatch = { readonly size: number; readonly waitMs: number };

/** When each view had got how far: the commit positions of its checkpoints. */
type Applied = { readonly at: number; readonly view: string; readonly commit: number };

const quiet = { debug: ignore, info: ignore, warn: console.error, error: console.error };

let current: { readonly applied: Applied[]; readonly stop: () => Promise<void> } | undefined;

/** Follows the log in this process with every view, by the adaptive rule or in fixed batches. */
export async function follow(input: {
  readonly folder: string;
  readonly batch?: FixedBatch;
}): Promise<void> {
  const { folder, batch } = input;
  const source = createSqliteEventSource({ path: join(folder, eventsFile) });
  const store = createSqliteReadModelStore({ path: join(folder, viewsFile) });
  const applied: Applied[] = [];
  const projector = createProjector({
    views,
    source: batch === undefined ? source : inPiecesOf(source, batch.size),
    store: noting(store, applied),
    ...(batch !== undefined && {
      batches: Object.fromEntries(views.map(({ name }) => [name, batch])),
    }),
    log: quiet,
    now: Date.now,
  });
  const end = new AbortController();
  const running = projector.run(end.signal);
  current = {
    applied,
    stop: async () => {
      end.abort();
      await running;
      await store[Symbol.asyncDispose]();
      await source[Symbol.asyncDispose]();
    },
  };
  while (!projector.lanes.every(({ target }) => target !== undefined)) await delay(5);
}

/**
 * Waits until every view has got to the end of the log, as far as it was then.
 * @returns when each of these events was in all views, in milliseconds since 1970
 */
export async function timesApplied(input: {
  readonly commits: readonly number[];
}): Promise<readonly number[]> {
  const { commits } = input;
  const last = commits.at(-1) ?? 0;
  const applied = current?.applied ?? [];
  const known = new Set(views.map(({ name }) => name));
  const done = () =>
    new Set(applied.filter(({ commit }) => commit >= last).map(({ view }) => view)).size;
  while (done() < known.size) await delay(50);
  const times = new Float64Array(commits.length);
  for (const name of known) {
    const steps = applied.filter(({ view }) => view === name);
    let step = 0;
    commits.forEach((commit, index) => {
      while ((steps[step]?.commit ?? Number.POSITIVE_INFINITY) < commit) step += 1;
      times[index] = Math.max(times[index] ?? 0, steps[step]?.at ?? Number.NaN);
    });
  }
  return [...times];
}

export async function stopFollowing(): Promise<void> {
  await current?.stop();
  current = undefined;
}

function inPiecesOf(source: EventSource, size: number): EventSource {
  return {
    ...source,
    subscribe: (options) =>
      source.subscribe({ ...options, batchSize: Math.min(size, options.batchSize ?? size) }),
  };
}

function noting(store: ReadModelStore, applied: Applied[]): ReadModelStore {
  return {
    ...store,
    apply: async (batches) => {
      const outcome = await store.apply(batches);
      const at = performance.timeOrigin + performance.now();
      for (const { ref, batch } of batches) {
        if (batch.checkpoint === undefined) continue;
        const { commit } = batch.checkpoint.position;
        applied.push({ at, view: ref.view.name, commit: Number(commit) });
      }
      return outcome;
    },
  };
}

function ignore(): void {}
