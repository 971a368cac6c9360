import { join } from 'node:path';
import type { Config } from '../src/config/config.ts';
import {
  createElasticsearchReadModelStore,
  createElasticsearchReadModels,
} from '../src/engines/elasticsearch/read-models.ts';
import { createEventStoreDb, createEventStoreDbSource } from '../src/engines/eventstoredb/store.ts';
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
  return eventStore.engine === 'eventstoredb'
    ? createEventStoreDb(eventStore)
    : createSqliteEventLog({ path: join(eventStore.directory, 'events.db') });
}

export function openEventSource({ eventStore }: Config): EventSource {
  return eventStore.engine === 'eventstoredb'
    ? createEventStoreDbSource(eventStore)
    : createSqliteEventSource({ path: join(eventStore.directory, 'events.db') });
}

export function openReadModelStore({ readStore }: Config): ReadModelStore {
  return readStore.engine === 'elasticsearch'
    ? createElasticsearchReadModelStore(readStore)
    : createSqliteReadModelStore({ path: join(readStore.directory, 'views.db') });
}

export function openReadModels({ readStore }: Config): ReadModels {
  return readStore.engine === 'elasticsearch'
    ? createElasticsearchReadModels(readStore)
    : createSqliteReadModels({ path: join(readStore.directory, 'views.db') });
}
