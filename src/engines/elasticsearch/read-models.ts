import type { ReadModelStore } from '../../projection/read-model-store.ts';
import type { ReadModels } from '../../read/read-models.ts';
import { createClient, type ElasticsearchOptions } from './client.ts';
import { createReader } from './read-models/reader.ts';
import { createStore } from './read-models/store.ts';

export type { ElasticsearchOptions } from './client.ts';

const usualRefreshIntervalMs = 500;

/**
 * The read models in Elasticsearch, version 8 or 9, for the projector. Nothing is asked of the server
 * before the first call: it may be away.
 *
 * @throws StoreFault where the options cannot be right
 */
export function createElasticsearchReadModelStore(options: ElasticsearchOptions): ReadModelStore {
  const { indexPrefix, refreshIntervalMs = usualRefreshIntervalMs } = options;
  return createStore(createClient(options), indexPrefix, refreshIntervalMs);
}

/**
 * The same read models for a read server.
 *
 * @throws StoreFault where the options cannot be right
 */
export function createElasticsearchReadModels(options: ElasticsearchOptions): ReadModels {
  const { indexPrefix, refreshIntervalMs = usualRefreshIntervalMs } = options;
  return createReader(createClient(options), indexPrefix, refreshIntervalMs);
}
