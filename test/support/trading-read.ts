import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import {
  createSqliteReadModelStore,
  createSqliteReadModels,
} from '../../src/engines/sqlite/read-models.ts';
import type { Position } from '../../src/kernel/position.ts';
import { analysisRead, backtestRead, signalRead, tradingRead } from '../../src/trading/read.ts';
import { tradingViews } from '../../src/trading/views.ts';
import { type LoggedEvent, project } from './project.ts';
import { startQueryBus } from './query-bus.ts';
import { createReadModelsInMemory } from './read-models-in-memory.ts';

/**
 * Trading's query service over its views in the embedded engine, with the events applied. Fails
 * where a document breaks the schema of its view.
 */
export async function startTradingRead(folder: string, events: readonly LoggedEvent[]) {
  const path = join(folder, `${randomUUID()}.db`);
  const store = createSqliteReadModelStore({ path });
  const position = events.at(-1)?.recorded.position as Position;
  for (const view of tradingViews) {
    const ref = { view, generation: 1 };
    await store.open(ref, '1');
    const documents = [...project(view, events)].map(([id, document]) => {
      return { id, version: position, document };
    });
    const checkpoint = { position, storedAt: 0 };
    const batch = { documents, park: [], unpark: [], checkpoint };
    const { refused } = await store.apply([{ ref, batch }]);
    if (refused.length > 0) throw new Error(`${view.name}: ${JSON.stringify(refused[0]?.error)}`);
    await store.switchTo(ref);
  }
  const readModels = createSqliteReadModels({ path });
  const bus = startQueryBus({
    contexts: [tradingRead, analysisRead, backtestRead, signalRead],
    readModels,
  });
  return {
    ...bus,
    readModels,
    [Symbol.asyncDispose]: async () => {
      await readModels[Symbol.asyncDispose]();
      await store[Symbol.asyncDispose]();
    },
  };
}

/** The same over read models in memory, where nothing is stored: what is asked must not matter. */
export function startTradingReadInMemory(events: readonly LoggedEvent[]) {
  const readModels = createReadModelsInMemory();
  for (const view of tradingViews) {
    for (const [id, document] of project(view, events)) {
      readModels.apply(view, events.length, id, document);
    }
    readModels.apply(view, events.length);
  }
  return startQueryBus({
    contexts: [tradingRead, analysisRead, backtestRead, signalRead],
    readModels,
  });
}
