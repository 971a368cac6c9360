import { join } from 'node:path';
import {
  createSqliteReadModelStore,
  createSqliteReadModels,
} from '../../src/engines/sqlite/read-models.ts';
import { temporaryFolder } from '../support/temporary.ts';
import { describeReadModelStoreContract } from './read-model-store-contract.ts';

const path = join(temporaryFolder(), 'data', 'views.db');

describeReadModelStoreContract('SQLite', async () => {
  // The read server may be the first to start.
  const models = createSqliteReadModels({ path });
  const store = createSqliteReadModelStore({ path });
  return {
    store,
    models,
    close: async () => {
      await store[Symbol.asyncDispose]();
      await models[Symbol.asyncDispose]();
    },
  };
});
