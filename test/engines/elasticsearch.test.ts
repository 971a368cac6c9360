import { randomUUID } from 'node:crypto';
import { afterAll, jest } from '@jest/globals';
import {
  createElasticsearchReadModelStore,
  createElasticsearchReadModels,
} from '../../src/engines/elasticsearch/read-models.ts';
import { describeReadModelStoreContract } from '../contract/read-model-store-contract.ts';
import { dropEverything, elasticsearchUrl } from '../support/elasticsearch.ts';

const indexPrefix = `test-${randomUUID().slice(0, 8)}`;
const options = { url: elasticsearchUrl(), indexPrefix, requestTimeoutMs: 30_000 };

// A server on the same machine takes some 20 ms for a write that a list then has to show.
jest.setTimeout(120_000);

afterAll(() => dropEverything(indexPrefix));

describeReadModelStoreContract('Elasticsearch', async () => {
  // The read server may be the first to start.
  const models = createElasticsearchReadModels(options);
  const store = createElasticsearchReadModelStore(options);
  return {
    store,
    models,
    close: async () => {
      await store[Symbol.asyncDispose]();
      await models[Symbol.asyncDispose]();
    },
  };
});
