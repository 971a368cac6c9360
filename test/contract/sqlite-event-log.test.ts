import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  createSqliteEventLog,
  createSqliteEventSource,
} from '../../src/engines/sqlite/event-log.ts';
import { describeEventStoreContract, type OpenEventStore } from './event-store-contract.ts';

const folder = mkdtempSync(join(tmpdir(), 'event-log-'));

// As the processes have it: one writes, another follows with a connection of its own.
function open(): OpenEventStore {
  const path = join(folder, 'data', 'events.db');
  const store = createSqliteEventLog({ path });
  const source = createSqliteEventSource({ path });
  const closeBoth = async () => {
    await store[Symbol.asyncDispose]();
    await source[Symbol.asyncDispose]();
  };
  return {
    store,
    source,
    reopen: async () => {
      await closeBoth();
      return open();
    },
    close: async () => {
      await closeBoth();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

describeEventStoreContract('SQLite', async () => open());
