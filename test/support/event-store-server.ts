import { join } from 'node:path';
import { EventStoreDBClient } from '@eventstore/db-client';
import { afterAll, beforeAll } from '@jest/globals';
import { createSqliteWireLog } from '../../src/engines/sqlite/wire-log.ts';
import {
  type EventStoreServer,
  type EventStoreServerOptions,
  startEventStoreServer,
} from '../../src/event-store/server.ts';
import { temporaryFolder } from './temporary.ts';

/** A server of the protocol over a log of its own, in this process, for one test file. */
export function eventStoreServer(options: Partial<EventStoreServerOptions> = {}) {
  const path = join(temporaryFolder(), 'events.db');
  const log = createSqliteWireLog({ path, synchronous: 'NORMAL' });
  const clients: EventStoreDBClient[] = [];
  let server: EventStoreServer | undefined;
  beforeAll(async () => {
    server = await startEventStoreServer({ log, ...options });
  });
  afterAll(async () => {
    for (const client of clients) await client.dispose();
    await server?.close();
    await log[Symbol.asyncDispose]();
  });

  /** Kurrent's own client; its connections are closed at the end of the file. */
  function connect(settings = ''): EventStoreDBClient {
    const address = `esdb://127.0.0.1:${server?.port}?tls=false${settings}`;
    const client = EventStoreDBClient.connectionString(address);
    clients.push(client);
    return client;
  }

  return { path, log, connect, port: () => server?.port ?? 0 };
}

/** What a read gives, as a list. */
export async function listOf<Item>(items: AsyncIterable<Item>): Promise<Item[]> {
  const list: Item[] = [];
  for await (const item of items) list.push(item);
  return list;
}
