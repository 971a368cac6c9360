import { setTimeout as delay, setImmediate as nextTurn } from 'node:timers/promises';
import type { EventStoreDBClient } from '@eventstore/db-client';
import { expect, jest, test } from '@jest/globals';
import { guardChannels } from '../../../../src/engines/eventstoredb/channel-guard.ts';
import {
  createEventStoreDb,
  createEventStoreDbSource,
} from '../../../../src/engines/eventstoredb/store.ts';
import { freshStream, sampleEvents } from '../../../support/event-log-samples.ts';
import { startTcpProxy } from '../../../support/event-store-proxy.ts';
import { eventStoreServer } from '../../../support/event-store-server.ts';

const server = eventStoreServer();
jest.setTimeout(60_000);

/** The value when it is as wanted, or after 20 seconds. */
async function becomes(value: () => number, wanted: (value: number) => boolean): Promise<number> {
  for (let tries = 0; tries < 400 && !wanted(value()); tries += 1) await delay(50);
  return value();
}

test('what is closed has no connection any more', async () => {
  await using proxy = await startTcpProxy(server.port());
  const connectionString = `esdb://127.0.0.1:${proxy.port}?tls=false`;
  for (let round = 0; round < 3; round += 1) {
    const store = createEventStoreDb({ connectionString });
    const stream = freshStream();
    await store.append(stream, 'no_stream', sampleEvents(1));
    for await (const _ of store.read(stream));
    const source = createEventStoreDbSource({ connectionString });
    await source.head();
    const stop = new AbortController();
    for await (const _ of source.subscribe({ signal: stop.signal })) break;
    expect(proxy.open()).toBeGreaterThan(2);
    await store[Symbol.asyncDispose]();
    await source[Symbol.asyncDispose]();
  }
  expect(await becomes(proxy.open, (count) => count === 0)).toBe(0);
});

/** What the client does: for each call that fails, it makes another channel for the next. */
function fakeClient() {
  let made = 0;
  let closed = 0;
  let current: { close: () => void } | undefined;
  const client = {
    createChannel: async () => {
      made += 1;
      return { close: () => (closed += 1) };
    },
    shouldReconnect: (error: unknown) => [error !== 'refused'] as const,
    handleError: async (_failed: unknown, _error: unknown) => {
      current = undefined;
    },
    dispose: async () => {},
  };
  guardChannels(client as unknown as EventStoreDBClient);
  const fail = async (error: string) => {
    const channel = current ?? (await client.createChannel());
    current = channel;
    void client.handleError({ getChannel: () => channel }, error);
  };
  return { client, fail, made: () => made, closed: () => closed };
}

test('calls that fail while the server is away make no connection each', async () => {
  const { client, fail, made, closed } = fakeClient();
  for (let call = 0; call < 500; call += 1) {
    await fail('unavailable');
    await nextTurn();
  }
  expect(made()).toBeGreaterThan(1);
  expect(made()).toBeLessThan(50);
  await client.dispose();
  expect(await becomes(closed, (count) => count >= made())).toBe(made());
});

test('a call that is refused gives up no connection', async () => {
  const { fail, made, closed } = fakeClient();
  for (let call = 0; call < 10; call += 1) await fail('refused');
  await nextTurn();
  expect([made(), closed()]).toEqual([1, 0]);
});
