import { afterAll, describe, expect, test } from '@jest/globals';
import { createClientPool } from '../../../../src/engines/eventstoredb/clients.ts';
import { createReads } from '../../../../src/engines/eventstoredb/reads.ts';
import { createEventStoreDb } from '../../../../src/engines/eventstoredb/store.ts';
import type { NewEvent } from '../../../../src/kernel/event.ts';
import { isAfter, latest, start } from '../../../../src/kernel/position.ts';
import type { EventFilter } from '../../../../src/projection/event-source.ts';
import {
  collect,
  collectEvents,
  freshStream,
  idsOf,
  sampleEvent,
  sampleEvents,
} from '../../../support/event-log-samples.ts';
import { startTcpProxy } from '../../../support/event-store-proxy.ts';
import { eventStoreServer } from '../../../support/event-store-server.ts';

const server = eventStoreServer();
const closing: (() => Promise<unknown>)[] = [];
afterAll(async () => {
  for (const close of closing) await close();
});

const connectionString = (port: number) => `esdb://127.0.0.1:${port}?tls=false`;

/** Reads, and how many connections their filters have asked for. */
function openReads(filteredPort = server.port()) {
  const sifting = createClientPool(connectionString(filteredPort));
  let filtered = 0;
  const counted = {
    ...sifting,
    lease: () => {
      filtered += 1;
      return sifting.lease();
    },
  };
  const reads = createReads(createClientPool(connectionString(server.port())), counted);
  closing.push(reads.close, sifting.close);
  return { reads, filtered: () => filtered };
}

const rare = { types: ['test.v1.Rare'] };

/** So many events, of which every hundredth is rare, and as many of a type that begins like it. */
async function fill(count: number): Promise<readonly NewEvent[]> {
  const store = createEventStoreDb({ connectionString: connectionString(server.port()) });
  const types = new Map([
    [7, 'test.v1.Rare'],
    [57, 'test.v1.RareNoMore'],
  ]);
  const events = Array.from({ length: count }, (_, n) =>
    sampleEvent(n, { type: types.get(n % 100) ?? 'test.v1.Common' }),
  );
  for (let done = 0; done < count; done += 1_000) {
    await store.append(freshStream('far'), 'no_stream', events.slice(done, done + 1_000));
  }
  await store[Symbol.asyncDispose]();
  return events.filter(({ type }) => type === 'test.v1.Rare');
}

describe('who is far behind and wants little', () => {
  test('gets it by a filter of the server: all of it, in order, and the position at the end', async () => {
    const expected = await fill(12_000);
    const { reads, filtered } = openReads();
    const batches = await collect(reads.readAll({ filter: rare, batchSize: 50 }));
    const events = batches.flatMap((batch) => batch.events);
    expect(idsOf(events)).toEqual(idsOf(expected));
    expect(filtered()).toBe(1);
    for (const [at, { events: own, position }] of batches.entries()) {
      expect(own.length <= 50).toBe(true);
      const newest = own.map((event) => event.position).reduce(latest, start);
      expect(isAfter(newest, position)).toBe(false);
      expect(at === 0 || isAfter(position, batches[at - 1]?.position ?? start)).toBe(true);
    }
    const everything = await collect(reads.readAll({ batchSize: 5_000 }));
    expect(batches.at(-1)?.position).toEqual(everything.at(-1)?.position);
    const first = batches[0]?.position ?? start;
    const rest = await collectEvents(reads.readAll({ filter: rare, after: first }));
    expect(idsOf(rest)).toEqual(idsOf(expected).slice(50));
  });

  test('may name streams instead', async () => {
    await fill(6_000);
    const store = createEventStoreDb({ connectionString: connectionString(server.port()) });
    const own = sampleEvents(3);
    await store.append(freshStream('order'), 'no_stream', own);
    await store.append(freshStream('orders'), 'no_stream', sampleEvents(3));
    await store[Symbol.asyncDispose]();
    const { reads, filtered } = openReads();
    const filter: EventFilter = { streamPrefixes: ['order-'] };
    expect(idsOf(await collectEvents(reads.readAll({ filter })))).toEqual(idsOf(own));
    expect(filtered()).toBe(1);
  });

  test('reads what the server is silent about without a filter', async () => {
    await fill(6_000);
    const expected = await collectEvents(openReads().reads.readAll({ filter: rare }));
    await using proxy = await startTcpProxy(server.port());
    proxy.hold();
    const { reads, filtered } = openReads(proxy.port);
    expect(idsOf(await collectEvents(reads.readAll({ filter: rare })))).toEqual(idsOf(expected));
    expect(filtered()).toBe(1);
    expect(proxy.connections()).toBe(1);
  });

  test('meets a fault where the connection of the filter breaks', async () => {
    await fill(6_000);
    const { reads } = openReads(1);
    await expect(collect(reads.readAll({ filter: rare }))).rejects.toMatchObject({
      code: 'STORE_UNAVAILABLE',
    });
  });
});

test('who is not far behind asks for no filter', async () => {
  await fill(6_000);
  const { reads, filtered } = openReads();
  const newest = { direction: 'backwards', limit: 1_000, batchSize: 1_000 } as const;
  const [last] = await collect(reads.readAll(newest));
  const after = last?.events.at(-1)?.position ?? start;
  const events = await collectEvents(reads.readAll({ after, filter: rare }));
  expect(events.length).toBe(10);
  expect(filtered()).toBe(0);
});
