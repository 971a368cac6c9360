import { join } from 'node:path';
import { EventStoreDBClient, type JSONEventData, jsonEvent } from '@eventstore/db-client';
import streamsGrpc from '@eventstore/db-client/generated/streams_grpc_pb.js';
import { credentials } from '@grpc/grpc-js';
import { afterAll, beforeAll } from '@jest/globals';
import { createSqliteWireLog } from '../../src/engines/sqlite/wire-log.ts';
import {
  type EventStoreServer,
  type EventStoreServerOptions,
  startEventStoreServer,
} from '../../src/event-store/server.ts';
import { temporaryFolder } from './temporary.ts';

const { StreamsClient } = streamsGrpc;

/** A server of the protocol over a log of its own, in this process, for one test file. */
export function eventStoreServer(options: Partial<EventStoreServerOptions> = {}) {
  const path = join(temporaryFolder(), 'events.db');
  const log = options.log ?? createSqliteWireLog({ path, synchronous: 'NORMAL' });
  const clients: EventStoreDBClient[] = [];
  const rawClients: InstanceType<typeof StreamsClient>[] = [];
  let server: EventStoreServer | undefined;
  beforeAll(async () => {
    server = await startEventStoreServer({ ...options, log });
  });
  afterAll(async () => {
    for (const client of clients) await client.dispose();
    for (const client of rawClients) client.close();
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

  /** The service itself, for what Kurrent's client never sends. */
  function rawClient(port = server?.port): InstanceType<typeof StreamsClient> {
    const client = new StreamsClient(`127.0.0.1:${port}`, credentials.createInsecure());
    rawClients.push(client);
    return client;
  }

  return { path, log, connect, rawClient, port: () => server?.port ?? 0 };
}

/** What a read gives, as a list. */
export async function listOf<Item>(items: AsyncIterable<Item>): Promise<Item[]> {
  const list: Item[] = [];
  for await (const item of items) list.push(item);
  return list;
}

/** Events of one type, numbered in their data. */
export function testEvents(count: number, type = 'OrderPlaced'): JSONEventData[] {
  return Array.from({ length: count }, (_, number) => jsonEvent({ type, data: { number } }));
}

/** What a promise is rejected with. */
export async function failureOf(promise: Promise<unknown>): Promise<unknown> {
  const { failure } = await promise.then(
    (value) => Promise.reject(new Error(`it succeeded: ${JSON.stringify(value)}`)),
    (failure: unknown) => ({ failure }),
  );
  return failure;
}
