import { join } from 'node:path';
import type { Config } from '../src/config/config.ts';
import { createSqliteEventLog, createSqliteEventSource } from '../src/engines/sqlite/event-log.ts';
import {
  createSqliteReadModelStore,
  createSqliteReadModels,
} from '../src/engines/sqlite/read-models.ts';
import type { EventSource } from '../src/projection/event-source.ts';
import type { ReadModelStore } from '../src/projection/read-model-store.ts';
import type { ReadModels } from '../src/read/read-models.ts';
import type { EventStore } from '../src/write/event-store.ts';

// The engines that the configuration names: the only place that knows which there are.

export function openEventStore({ eventStore }: Config): EventStore {
  return createSqliteEventLog({ path: join(eventStore.directory, 'events.db') });
}

export function openEventSource({ eventStore }: Config): EventSource {
  return createSqliteEventSource({ path: join(eventStore.directory, 'events.db') });
}

export function openReadModelStore({ readStore }: Config): ReadModelStore {
  return createSqliteReadModelStore({ path: join(readStore.directory, 'views.db') });
}

export function openReadModels({ readStore }: Config): ReadModels {
  return createSqliteReadModels({ path: join(readStore.directory, 'views.db') });
}
