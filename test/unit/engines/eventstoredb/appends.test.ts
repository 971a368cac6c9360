import { execFile } from 'node:child_process';
import { resolve } from 'node:path';
import { EventStoreDBClient, jsonEvent } from '@eventstore/db-client';
import { afterAll, describe, expect, jest, test } from '@jest/globals';
import { openAppender } from '../../../../src/engines/eventstoredb/clients.ts';
import { toEventData } from '../../../../src/engines/eventstoredb/events.ts';
import { createEventStoreDb } from '../../../../src/engines/eventstoredb/store.ts';
import { startEventStoreServer } from '../../../../src/event-store/server.ts';
import type { NewEvent } from '../../../../src/kernel/event.ts';
import { StoreFault } from '../../../../src/kernel/fault.ts';
import type { EventStore } from '../../../../src/write/event-store.ts';
import { collect, freshStream, idsOf, sampleEvents } from '../../../support/event-log-samples.ts';
import { startTcpProxy } from '../../../support/event-store-proxy.ts';
import { eventStoreServer, failureOf } from '../../../support/event-store-server.ts';
import { startStub } from '../../../support/event-store-stub.ts';
import { freePort } from '../../../support/ports.ts';
import { temporaryFolder } from '../../../support/temporary.ts';

const server = eventStoreServer();
const folder = temporaryFolder();
// Child processes on a machine that is busy.
jest.setTimeout(30_000);
const closing: AsyncDisposable[] = [];
afterAll(async () => {
  for (const each of closing.reverse()) await each[Symbol.asyncDispose]();
});

function open(port: number, settings = '', options = {}): EventStore {
  const connectionString = `esdb://127.0.0.1:${port}?tls=false${settings}`;
  const store = createEventStoreDb({ connectionString, ...options });
  closing.push(store);
  return store;
}

describe('an append without an answer', () => {
  const impatient = { appendTimeoutMs: 150, appendPatienceMs: 60_000 };

  test('is repeated with the same ids at the same revision, and takes effect once', async () => {
    await using proxy = await startTcpProxy(server.port());
    const store = open(proxy.port, '', impatient);
    const stream = freshStream();
    await store.append(stream, 'no_stream', sampleEvents(1));
    proxy.hold();
    const events = sampleEvents(3);
    const appending = store.append(stream, 0, events);
    // The server stores it while its answer is kept back; later tries find it there.
    const direct = open(server.port());
    while ((await collect(direct.read(stream))).length < 4);
    proxy.cut();
    proxy.release();

    expect(await appending).toMatchObject({ appended: true, revision: 3 });
    expect(idsOf(await collect(direct.read(stream, { from: 1 })))).toEqual(idsOf(events));
  });

  test('at any revision is not repeated, and said to be unknown', async () => {
    await using proxy = await startTcpProxy(server.port());
    const store = open(proxy.port, '', impatient);
    const stream = freshStream();
    await store.append(stream, 'any', sampleEvents(1));
    proxy.hold();
    const failure = await failureOf(store.append(stream, 'any', sampleEvents(2)));
    proxy.release();

    expect(failure).toBeInstanceOf(StoreFault);
    expect(failure).toMatchObject({
      code: 'STORE_UNAVAILABLE',
      message: expect.stringMatching(/^cannot append to .*; whether the events are stored is unkn/),
    });
    expect(await collect(open(server.port()).read(stream))).toHaveLength(3);
  });

  test('is given up when the patience is over', async () => {
    await using proxy = await startTcpProxy(server.port());
    const store = open(proxy.port, '', { appendTimeoutMs: 50, appendPatienceMs: 200 });
    proxy.hold();
    const failure = await failureOf(store.append(freshStream(), 'no_stream', sampleEvents(1)));
    proxy.release();

    expect(failure).toMatchObject({ message: expect.stringMatching(/is unknown$/) });
  });
});

describe('appends of several clients in one process', () => {
  const script = resolve(import.meta.dirname, '../../../support/broken-appends.ts');
  const run = (kind: string, how: string) =>
    new Promise<{ code: unknown; output: string; errors: string }>((done) => {
      const args = [script, kind, how, `${folder}/${kind}-${how}`];
      execFile(process.execPath, args, (error, output, errors) =>
        done({ code: error?.code ?? 0, output, errors }),
      );
    });

  test("one whose connection breaks takes another's append and the process with it", async () => {
    const { code, output, errors } = await run('client', 'answer');
    expect({ code, output }).toEqual({ code: 1, output: expect.stringMatching(/^rejected: /) });
    expect(errors).toMatch(/TypeError: undefined is not iterable/);
  });

  test('this engine survives it, and the append is made', async () => {
    expect(await run('engine', 'answer')).toEqual({ code: 0, output: 'appended\n', errors: '' });
  });

  test('one that waits for its stream to drain is rejected where nobody can catch it', async () => {
    const { code, errors } = await run('client', 'drain');
    expect({ code, errors }).toEqual({ code: 1, errors: expect.stringMatching(/unavailable/i) });
  });

  test('this engine survives that, too, and makes all appends', async () => {
    expect(await run('engine', 'drain')).toEqual({ code: 0, output: 'appended\n', errors: '' });
  });
});

describe('an event is JSON to every client of the store', () => {
  test.each([
    ['by BatchAppend', true],
    ['by Append, where the server has no BatchAppend', false],
  ])('%s', async (_, hasBatchAppend) => {
    // A client that no other store has.
    const name = freshStream();
    const address = `esdb://127.0.0.1:${server.port()}?tls=false&connectionName=${name}`;
    const appender = openAppender(address);
    const client = appender.client();
    // What the client asks the server for, of its own.
    Reflect.set(client, 'supports', () => Promise.resolve(hasBatchAppend));
    const [event] = sampleEvents(1);
    const stream = freshStream();
    await client.appendToStream(stream, [toEventData(event as NewEvent)]);
    await appender.close();

    const reader = server.connect();
    const [read] = await collect(reader.readStream(stream));
    const { data, metadata } = event as NewEvent;
    expect(read?.event).toMatchObject({ isJson: true, data, metadata });
  });
});

describe('an append that is too large', () => {
  const eventOf = (bytes: number): NewEvent => {
    const [event] = sampleEvents(1);
    return { ...(event as NewEvent), data: { note: 'x'.repeat(bytes) } };
  };

  test('for the server is refused at once, and nothing is stored', async () => {
    const store = open(server.port());
    const stream = freshStream();
    const told = await failureOf(store.append(stream, 'no_stream', [eventOf(2_000_000)]));
    expect(told).toMatchObject({ code: 'STORE_TOO_LARGE' });
    expect((told as StoreFault).message).toBe(
      `cannot append to ${stream}: the events are larger than one append may be`,
    );
    expect(await collect(store.read(stream))).toEqual([]);
  });

  test('for any server is not sent: the appends beside it go on', async () => {
    const store = open(server.port());
    const beside = Array.from({ length: 20 }, () =>
      store.append(freshStream(), 'any', sampleEvents(1)),
    );
    const told = await failureOf(store.append(freshStream(), 'no_stream', [eventOf(20_000_000)]));
    expect(told).toMatchObject({ code: 'STORE_TOO_LARGE' });
    const made = await Promise.all(beside);
    expect(made.every(({ appended }) => appended)).toBe(true);
  });
});

describe("the client's ways", () => {
  test('throwOnAppendFailure=false tells of a wrong revision: not so the engine', async () => {
    const stream = freshStream();
    await open(server.port()).append(stream, 'no_stream', sampleEvents(7));
    const client = server.connect('&throwOnAppendFailure=false');
    const event = jsonEvent({ type: 'Tried', data: {} });
    const told = await client.appendToStream(stream, event, { expectedRevision: 3n });
    expect(told).toMatchObject({ success: false, nextExpectedRevision: 1n });

    const store = open(server.port(), '&throwOnAppendFailure=false');
    expect(await store.append(stream, 3, sampleEvents(1))).toEqual({ appended: false, actual: 6 });
    const none = { appended: false, actual: -1 };
    expect(await store.append(freshStream(), 0, sampleEvents(1))).toEqual(none);
  });

  test('appends share one BatchAppend: no credentials are given by the call', async () => {
    await using stub = await startStub();
    const { connectionString } = stub;
    await using store = createEventStoreDb({ connectionString });
    const appending = Array.from({ length: 200 }, () =>
      store.append(freshStream(), 'no_stream', sampleEvents(1)),
    );
    const results = await Promise.all(appending);
    expect(results.every(({ appended }) => appended)).toBe(true);
    expect(stub.calls).toEqual(['BatchAppend']);

    const client = EventStoreDBClient.connectionString(connectionString);
    const credentials = { username: 'ada', password: 's3cret' };
    await client.appendToStream('order-1', jsonEvent({ type: 'Tried', data: {} }), { credentials });
    await client.dispose();
    expect(stub.calls).toEqual(['BatchAppend', 'Append']);
  });

  test('positions keep commit and prepare', async () => {
    await using stub = await startStub();
    await using store = createEventStoreDb({ connectionString: stub.connectionString });
    expect(await store.append(freshStream(), 'no_stream', sampleEvents(1))).toEqual({
      appended: true,
      revision: 0,
      position: { commit: 1_001n, prepare: 1n },
    });
  });

  test('a stream of appends that the server ended in order is not used again', async () => {
    await using stub = await startStub();
    await using store = createEventStoreDb({ connectionString: stub.connectionString });
    await store.append(freshStream(), 'no_stream', sampleEvents(1));
    stub.endStreams();
    await store.append(freshStream(), 'no_stream', sampleEvents(1));
    expect(stub.calls).toEqual(['BatchAppend', 'BatchAppend']);
  });

  test('a cluster that is not found at first is found later', async () => {
    const port = await freePort();
    const connectionString = `esdb+discover://127.0.0.1:${port}?tls=false&maxDiscoverAttempts=1`;
    await using store = createEventStoreDb({ connectionString, appendPatienceMs: 0 });
    const stream = freshStream();
    const failure = await failureOf(store.append(stream, 'no_stream', sampleEvents(1)));
    expect(failure).toMatchObject({ code: 'STORE_UNAVAILABLE' });
    const again = await startEventStoreServer({ log: server.log, port });

    expect(await store.append(stream, 'no_stream', sampleEvents(1))).toMatchObject({
      appended: true,
    });
    await again.close();
  });
});
