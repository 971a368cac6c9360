import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { views } from '../../cmd/views.ts';
import { createSqliteEventSource } from '../../src/engines/sqlite/event-log.ts';
import { createSqliteReadModelStore } from '../../src/engines/sqlite/read-models.ts';
import type { EventSource } from '../../src/projection/event-source.ts';
import { createProjector } from '../../src/projection/projector.ts';
import type { ReadModelStore } from '../../src/projection/read-model-store.ts';
import { eventsFile } from './command-bus.ts';

export const viewsFile = 'views.db';

const quiet = { debug: ignore, info: ignore, warn: console.error, error: console.error };

export type Built = {
  /** Events of the log that the views take, each as often as it is taken. */
  readonly applied: number;
  readonly seconds: number;
  readonly maxBytes: number;
  readonly documents: number;
};

/** Builds views from the whole log, embedded. */
export async function buildViews(input: {
  readonly folder: string;
  /** All of them where none is named. */
  readonly names?: readonly string[];
  readonly file?: string;
}): Promise<Built> {
  const { folder, names, file = viewsFile } = input;
  await using source = createSqliteEventSource({ path: join(folder, eventsFile) });
  await using store = createSqliteReadModelStore({ path: join(folder, file) });
  return await build(source, store, names);
}

/** As a projector does that finds none of the views. */
export async function build(
  source: EventSource,
  store: ReadModelStore,
  names?: readonly string[],
): Promise<Built> {
  const chosen = views.filter(({ name }) => names?.includes(name) ?? true);
  const projector = createProjector({ views: chosen, source, store, log: quiet, now: Date.now });
  const stop = new AbortController();
  const startedAt = performance.now();
  const running = projector.run(stop.signal);
  while (!projector.lanes.every(({ target }) => target !== undefined)) await delay(20);
  const seconds = (performance.now() - startedAt) / 1000;
  const builds = projector.lanes.map(({ view: { name } }) => projector.generations.buildOf(name));
  const counts = await Promise.all(
    projector.lanes.map(({ target }) => (target === undefined ? 0 : store.count(target.ref))),
  );
  const parked = projector.lanes.filter(({ target }) => (target?.parked.size ?? 0) > 0);
  stop.abort();
  await running;
  // They would be measured with what is parked left out.
  if (parked.length > 0) throw new Error(`${parked.map(({ view }) => view.name)}: parked events`);
  return {
    applied: builds.reduce((sum, build) => sum + (build?.done ?? 0), 0),
    seconds,
    maxBytes: process.resourceUsage().maxRSS * 1024,
    documents: counts.reduce((sum, count) => sum + count, 0),
  };
}

function ignore(): void {}
