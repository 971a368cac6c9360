import { randomUUID } from 'node:crypto';
import { excludeSystemEvents, jsonEvent } from '@eventstore/db-client';
import { afterAll, describe, expect, test } from '@jest/globals';
import { createClientPool } from '../../../../src/engines/eventstoredb/clients.ts';
import {
  createEventStoreDb,
  createEventStoreDbSource,
} from '../../../../src/engines/eventstoredb/store.ts';
import { subscribe } from '../../../../src/engines/eventstoredb/subscription.ts';
import { readAccounts } from '../../../../src/event-store/accounts.ts';
import { StoreFault } from '../../../../src/kernel/fault.ts';
import { isAfter, type Position } from '../../../../src/kernel/position.ts';
import type { EventBatch, EventSource } from '../../../../src/projection/event-source.ts';
import { freshStream, idsOf, sampleEvents } from '../../../support/event-log-samples.ts';
import { startTcpProxy } from '../../../support/event-store-proxy.ts';
import { eventStoreServer, failureOf } from '../../../support/event-store-server.ts';

const server = eventStoreServer();
const guarded = eventStoreServer({ accounts: readAccounts('ada s3cret $admins\n') });
const closing: AsyncDisposable[] = [];
afterAll(async () => {
  for (const each of closing) await each[Symbol.asyncDispose]();
});

const addressOf = (port: number) => `esdb://127.0.0.1:${port}?tls=false`;

function openSource(port = server.port()): EventSource {
  const source = createEventStoreDbSource({ connectionString: addressOf(port) });
  closing.push(source);
  return source;
}

function openStore() {
  const store = createEventStoreDb({ connectionString: addressOf(server.port()) });
  closing.push(store);
  return store;
}

/** Takes batches until one passes. */
async function batchesUntil(
  batches: AsyncIterator<EventBatch>,
  passes: (batch: EventBatch) => boolean,
): Promise<EventBatch[]> {
  const taken: EventBatch[] = [];
  for (;;) {
    const { value, done } = await batches.next();
    if (done) throw new Error('the subscription ended');
    taken.push(value);
    if (passes(value)) return taken;
  }
}

describe('reads', () => {
  // Node's HTTP/2, as others, ends a connection on which more than 1,000 calls are called off at once.
  test('that are left early, one after the other, break no connection', async () => {
    const store = openStore();
    const stream = freshStream();
    await store.append(stream, 'no_stream', sampleEvents(3));
    const first = async (name: string) => {
      for await (const { revision } of store.read(name, { limit: 2 })) return revision;
      return undefined;
    };
    const missing = freshStream();
    for (let i = 0; i < 1_200; i += 1) {
      expect(await first(stream)).toBe(0);
      expect(await first(missing)).toBeUndefined();
    }
  });

  test('of commands that come again, many at a time, break no connection', async () => {
    const store = openStore();
    const stream = freshStream();
    const [causation, other] = [randomUUID(), randomUUID()];
    const own = sampleEvents(150, { causation });
    await store.append(stream, 'no_stream', own);
    await store.append(stream, 149, sampleEvents(2, { causation: other }));
    await store.append(stream, 151, sampleEvents(200));
    expect(idsOf(await store.findByCausation(stream, causation))).toEqual(idsOf(own));
    for (let round = 0; round < 100; round += 1) {
      const repeats = Array.from({ length: 25 }, () => store.findByCausation(stream, other));
      for (const found of await Promise.all(repeats)) expect(found.length).toBe(2);
    }
  });
});

describe('a subscription', () => {
  test('does not connect again by itself, with the client', async () => {
    await using proxy = await startTcpProxy(server.port());
    const client = server.connect();
    const cut = createClientPool(addressOf(proxy.port));
    const subscription = cut.lease().client.subscribeToAll();
    const told = new Promise<Error>((resolve) => subscription.once('error', resolve));
    await new Promise((resolve) => subscription.once('confirmation', resolve));
    proxy.cut();
    expect(await told).toMatchObject({ type: 'unavailable' });
    const before = proxy.connections();
    await client.appendToStream(freshStream(), jsonEvent({ type: 'Unheard', data: {} }));
    expect(proxy.connections()).toBe(before);
    await cut.close();
  });

  test('throws a fault when it breaks, and goes on from where the caller was', async () => {
    await using proxy = await startTcpProxy(server.port());
    const store = openStore();
    const source = openSource(proxy.port);
    const { position: after } = await openSource().head();
    const { signal } = new AbortController();
    const stream = freshStream();
    const events = sampleEvents(3);
    await store.append(stream, 'no_stream', events.slice(0, 1));
    const first = source.subscribe({ after, signal })[Symbol.asyncIterator]();
    const taken = await batchesUntil(first, (batch) => batch.events.length === 1);
    const next = first.next();
    proxy.cut();
    const failure = await failureOf(next);
    expect(failure).toBeInstanceOf(StoreFault);
    expect(failure).toMatchObject({ code: 'STORE_UNAVAILABLE' });

    await store.append(stream, 0, events.slice(1));
    const again = source.subscribe({ after: taken.at(-1)?.position as Position, signal });
    const iterator = again[Symbol.asyncIterator]();
    let got = taken.flatMap((batch) => batch.events);
    while (got.length < 3) {
      const [batch] = await batchesUntil(iterator, () => true);
      got = [...got, ...(batch?.events ?? [])];
    }
    await iterator.return?.();
    expect(idsOf(got)).toEqual(idsOf(events));
  });

  test('of the client with a filter tells no position at a tail where nothing passes', async () => {
    const client = server.connect();
    const checkpoints: Position[] = [];
    const filter = excludeSystemEvents({
      checkpointReached: async (_, at) => {
        checkpoints.push(at);
      },
    });
    const { position: fromPosition } = await openSource().head();
    const filtered = client.subscribeToAll({ fromPosition, filter });
    await new Promise((resolve) => filtered.once('confirmation', resolve));
    const told = checkpoints.length;
    const all = client.subscribeToAll({ fromPosition });
    await client.setStreamMetadata(freshStream(), { maxCount: 3 });
    for await (const { event } of all) if (event?.type === '$metadata') break;
    expect(checkpoints).toHaveLength(told);
    await filtered.unsubscribe();
  });

  test('of this engine moves on there, and is live', async () => {
    const store = openStore();
    const source = openSource();
    const abort = new AbortController();
    const { position: after } = await source.head();
    const filter = { types: ['never.v1.Happened'] };
    const batches = source.subscribe({ after, filter, signal: abort.signal });
    const iterator = batches[Symbol.asyncIterator]();
    for (let n = 0; n < 3; n += 1) {
      const result = await store.append(freshStream(), 'no_stream', sampleEvents(1));
      const at = result.appended ? result.position : after;
      const taken = await batchesUntil(iterator, ({ position }) => !isAfter(at, position));
      expect(taken.flatMap(({ events }) => events)).toEqual([]);
      expect(taken.at(-1)?.live).toBe(true);
    }
    abort.abort();
    expect((await iterator.next()).done).toBe(true);
  });

  test('is live in a log that never rests: its end moves on while it is asked for', async () => {
    const store = openStore();
    const source = openSource();
    const { position: after } = await source.head();
    const pool = createClientPool(addressOf(server.port()));
    let asked = 0;
    const head = async () => {
      asked += 1;
      await store.append(freshStream(), 'no_stream', sampleEvents(1));
      return source.head();
    };
    const { signal } = new AbortController();
    const iterator = subscribe(pool, head, { after, signal })[Symbol.asyncIterator]();
    const taken = await batchesUntil(iterator, ({ live }) => live || asked > 20);
    await iterator.return?.();
    await pool.close();
    expect(taken.at(-1)?.live).toBe(true);
    expect(taken.at(-1)?.position).toEqual((await source.head()).position);
  });

  test("delivers neither the store's own events nor the engine's", async () => {
    const store = openStore();
    const source = openSource();
    const { position: after } = await source.head();
    const stream = freshStream();
    const event = jsonEvent({ type: 'Other', data: {} });
    await store.keepNewest(stream, 5);
    await server.connect().appendToStream(`command-index-${stream}`, event);
    const events = sampleEvents(1);
    await store.append(stream, 'no_stream', events);
    const { signal } = new AbortController();
    const iterator = source.subscribe({ after, signal })[Symbol.asyncIterator]();
    const taken = await batchesUntil(iterator, (batch) => batch.events.length > 0);
    await iterator.return?.();
    expect(idsOf(taken.flatMap((batch) => batch.events))).toEqual(idsOf(events));
  });
});

describe('calls that last', () => {
  test('are on as many connections as they need: about 100 have room on one', async () => {
    await using proxy = await startTcpProxy(server.port());
    const store = openStore();
    const source = openSource(proxy.port);
    const abort = new AbortController();
    const { position: after } = await source.head();
    const before = proxy.connections();
    const { signal } = abort;
    const iterators = Array.from({ length: 200 }, () =>
      source.subscribe({ after, signal })[Symbol.asyncIterator](),
    );
    // Each says first that it is at the end.
    await Promise.all(iterators.map((iterator) => iterator.next()));
    const next = iterators.map((iterator) =>
      batchesUntil(iterator, ({ events }) => events.length > 0),
    );
    const [event] = sampleEvents(1);
    await store.append(freshStream(), 'no_stream', event === undefined ? [] : [event]);
    const delivered = (await Promise.all(next)).map((batches) => batches.at(-1)?.events[0]?.id);
    expect(new Set(delivered)).toEqual(new Set([event?.id]));
    // Those of the subscriptions; and as many at most of the reads with which they catch up.
    expect(proxy.connections() - before).toBeGreaterThanOrEqual(3);
    expect(proxy.connections() - before).toBeLessThanOrEqual(6);
    abort.abort();
    await Promise.all(iterators.map((iterator) => iterator.next()));
  });

  test('give their place back', async () => {
    const pool = createClientPool(addressOf(server.port()), 2);
    const leases = [pool.lease(), pool.lease(), pool.lease()];
    expect(new Set(leases.map(({ client }) => client)).size).toBe(2);
    leases[0]?.release();
    expect(pool.lease().client).toBe(leases[0]?.client);
    await pool.close();
  });

  test('that are under way when the store is closed are no whole reads', async () => {
    const store = openStore();
    const stream = freshStream();
    await store.append(stream, 'no_stream', sampleEvents(2_000));
    const reading = store.read(stream)[Symbol.asyncIterator]();
    await reading.next();
    await store[Symbol.asyncDispose]();
    const rest = async () => {
      while (!(await reading.next()).done);
    };
    expect(await failureOf(rest())).toMatchObject({ code: 'STORE_CLOSED' });
  });
});

test('credentials are dropped without TLS: the client sends none', async () => {
  const connectionString = `esdb://ada:s3cret@127.0.0.1:${guarded.port()}?tls=false`;
  await using store = createEventStoreDb({ connectionString });
  const failure = await failureOf(store.append(freshStream(), 'no_stream', sampleEvents(1)));
  expect(failure).toMatchObject({
    code: 'STORE_FAILED',
    message: expect.stringMatching(/denies access with these credentials/),
  });
  expect((failure as Error).message).not.toMatch(/s3cret/);
});
