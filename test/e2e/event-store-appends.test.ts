import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import {
  type AppendExpectedRevision,
  DeadlineExceededError,
  type JSONEventData,
  jsonEvent,
  MaxAppendSizeExceededError,
  StreamDeletedError,
  StreamNotFoundError,
  WrongExpectedVersionError,
} from '@eventstore/db-client';
import sharedPb from '@eventstore/db-client/generated/shared_pb.js';
import type { AppendReq } from '@eventstore/db-client/generated/streams_pb.js';
import { Metadata, type ServiceError, status } from '@grpc/grpc-js';
import { describe, expect, test } from '@jest/globals';
import timestampPb from 'google-protobuf/google/protobuf/timestamp_pb.js';
import { startTcpProxy } from '../support/event-store-proxy.ts';
import {
  appendEvent,
  appendOptions,
  batchEvent,
  batchOptions,
  batchRequest,
  empty,
  jsonProperties,
  rawAppend,
  rawBatch,
} from '../support/event-store-requests.ts';
import { eventStoreServer, failureOf, listOf, testEvents } from '../support/event-store-server.ts';

const server = eventStoreServer();

const newStream = () => `order-${randomUUID()}`;

// With credentials of its own for a call, the client uses Append, else BatchAppend.
const rpcs = [
  ['Append', { credentials: { username: 'ada', password: 'secret' } }],
  ['BatchAppend', {}],
] as const;

describe.each(rpcs)('%s', (_, options) => {
  async function append(
    stream: string,
    events: JSONEventData[],
    expectedRevision: AppendExpectedRevision = 'any',
  ) {
    return server.connect().appendToStream(stream, events, { expectedRevision, ...options });
  }

  async function idsOf(stream: string) {
    const events = await listOf(server.connect().readStream(stream));
    return events.map(({ event }) => event?.id);
  }

  test('creates a stream, and goes on at its revision', async () => {
    const stream = newStream();
    const events = testEvents(4);

    const first = await append(stream, events.slice(0, 2), 'no_stream');
    const second = await append(stream, events.slice(2, 3), first.nextExpectedRevision);
    const third = await append(stream, events.slice(3), 'stream_exists');

    expect(first).toMatchObject({ success: true, nextExpectedRevision: 1n });
    expect(second).toMatchObject({ success: true, nextExpectedRevision: 2n });
    expect(third).toMatchObject({ success: true, nextExpectedRevision: 3n });
    expect(third.position?.commit).toBe(third.position?.prepare);
    expect(third.position?.commit ?? 0n).toBeGreaterThan(second.position?.commit ?? 0n);
    expect(await idsOf(stream)).toEqual(events.map(({ id }) => id));
  });

  test.each([
    ['no_stream', 1, 'no_stream', 0n],
    ['stream_exists', 0, 'stream_exists', 'no_stream'],
    [1n, 0, 1n, 'no_stream'],
    [999n, 1, 999n, 0n],
    [0n, 2, 0n, 1n],
  ] as const)('refuses %p where the stream has %d events', async (expected, has, told, actual) => {
    const stream = newStream();
    if (has > 0) await append(stream, testEvents(has));

    const failure = await failureOf(append(stream, testEvents(1), expected));

    expect(failure).toBeInstanceOf(WrongExpectedVersionError);
    expect(failure).toMatchObject({
      streamName: stream,
      expectedVersion: told,
      actualVersion: actual,
    });
  });

  test('takes a stream that has metadata alone for one that exists', async () => {
    const stream = newStream();
    await server.connect().setStreamMetadata(stream, { maxCount: 10 });

    const written = await append(stream, testEvents(1), 'stream_exists');

    expect(written).toMatchObject({ success: true, nextExpectedRevision: 0n });
  });

  // The events of the first append by number, those of the second, the revision that it expects.
  test.each([
    ['the first again', [0, 1, 2], [0], 'no_stream', 3, 0n],
    ['the first again, at any revision', [0, 1, 2], [0], 'any', 3, 0n],
    ['one in the middle again', [0, 1, 2], [1], 0n, 3, 1n],
    ['one in the middle again, at any revision', [0, 1, 2], [1], 'any', 3, 1n],
    ['all again', [0, 1, 2], [0, 1, 2], 'no_stream', 3, 2n],
    ['all again, at any revision', [0, 1, 2], [0, 1, 2], 'any', 3, 2n],
    ['all again, where the stream exists', [0, 1, 2], [0, 1, 2], 'stream_exists', 3, 2n],
    ['the first at the end', [0, 1, 2], [0], 2n, 4, 3n],
    ['one id several times', [0, 0, 0], [0, 0, 0], 'no_stream', 3, 2n],
    ['one id several times, at any revision', [0, 0, 0], [0, 0, 0], 'any', 3, 0n],
  ] as const)('answers %s', async (_name, first, second, expected, count, revision) => {
    const stream = newStream();
    const events = testEvents(3) as [JSONEventData, JSONEventData, JSONEventData];
    const written = await append(
      stream,
      first.map((number) => events[number]),
      'no_stream',
    );

    const again = await append(
      stream,
      second.map((number) => events[number]),
      expected,
    );

    expect(again).toMatchObject({ success: true, nextExpectedRevision: revision });
    expect(await idsOf(stream)).toHaveLength(count);
    // A repeat is told the place of its last event.
    if (count === first.length && revision === 2n) expect(again.position).toEqual(written.position);
  });

  test.each([
    ['a repeat with one more', [0, 1], [0, 1, 2], 'no_stream'],
    ['a repeat with one more, at any revision', [0, 1], [0, 1, 2], 'any'],
    ['another place', [0, 1, 2], [0], 1n],
    ['a place beyond the end', [0, 1, 2], [0], 3n],
  ] as const)('refuses %s', async (_name, first, second, expected) => {
    const stream = newStream();
    const events = testEvents(3) as [JSONEventData, JSONEventData, JSONEventData];
    await append(
      stream,
      first.map((number) => events[number]),
    );

    const again = append(
      stream,
      second.map((number) => events[number]),
      expected,
    );

    expect(await failureOf(again)).toBeInstanceOf(WrongExpectedVersionError);
    expect(await idsOf(stream)).toHaveLength(first.length);
  });

  test('an id of another stream is no repeat', async () => {
    const events = testEvents(1);
    await append(newStream(), events);
    const stream = newStream();

    const written = await append(stream, events);

    expect(written).toMatchObject({ success: true, nextExpectedRevision: 0n });
    expect(await idsOf(stream)).toEqual(events.map(({ id }) => id));
  });

  test('of nothing makes no stream', async () => {
    const stream = newStream();
    for (const expected of ['any', 'no_stream', 'no_stream'] as const) {
      expect(await append(stream, [], expected)).toMatchObject({ success: true });
    }

    expect(await failureOf(idsOf(stream))).toBeInstanceOf(StreamNotFoundError);
  });

  test.each(['any', 'no_stream', 'stream_exists', 5n] as const)(
    'to a tombstone is refused (%p)',
    async (expected) => {
      const stream = newStream();
      await server.connect().tombstoneStream(stream);

      const failure = await failureOf(append(stream, testEvents(1), expected));

      expect(failure).toBeInstanceOf(StreamDeletedError);
      expect(failure).toMatchObject({ streamName: stream });
    },
  );

  test('of more than a megabyte is refused as a whole', async () => {
    const stream = newStream();
    // More than one message of the batching client, too.
    const data = { text: 'x'.repeat(100_000) };
    const events = Array.from({ length: 40 }, () => jsonEvent({ type: 'Large', data }));
    const failure = await failureOf(append(stream, events));

    expect(failure).toBeInstanceOf(MaxAppendSizeExceededError);
    expect(failure).toMatchObject({ maxAppendSize: 1024 * 1024 });
    expect(await failureOf(idsOf(stream))).toBeInstanceOf(StreamNotFoundError);
  });

  test('whose time is over is refused', async () => {
    const client = server.connect();
    // The connection is made before the clock runs.
    await client.appendToStream(newStream(), testEvents(1), options);
    const append = client.appendToStream(newStream(), testEvents(2_000), {
      deadline: 1,
      ...options,
    });

    expect(await failureOf(append)).toBeInstanceOf(DeadlineExceededError);
  });

  test('that fails is a result where the client wants one', async () => {
    const client = server.connect('&throwOnAppendFailure=false');
    const stream = newStream();
    await client.appendToStream(stream, testEvents(2), options);

    const result = await client.appendToStream(stream, testEvents(1), {
      expectedRevision: 0n,
      ...options,
    });

    // With BatchAppend this client tells 1 for "there is one" instead of the revision.
    expect(result).toEqual({ success: false, nextExpectedRevision: 1n, position: undefined });
  });
});

describe('the Append call', () => {
  async function failure(requests: readonly AppendReq[]): Promise<ServiceError> {
    return (await failureOf(rawAppend(server.rawClient(), requests))) as ServiceError;
  }

  test.each([
    ['type', { 'content-type': 'application/json' }],
    ['content-type', { type: 'OrderPlaced' }],
  ])('refuses an event without %s', async (name, properties) => {
    const event = appendEvent({ id: randomUUID(), properties });
    const { code, details, metadata } = await failure([appendOptions(newStream()), event]);

    expect({ code, details }).toEqual({
      code: status.INVALID_ARGUMENT,
      details: `Required Metadata Property '${name}' is missing`,
    });
    expect(metadata.getMap()).toMatchObject({
      exception: 'missing-required-metadata-property',
      'required-metadata-properties': 'type,content-type',
    });
  });

  test('refuses what is no expected revision, no stream and no UUID', async () => {
    const nowhere = appendOptions('');
    const anything = appendOptions(newStream(), () => {});
    const badId = appendEvent({ id: 'no-uuid' });

    expect(await failure([nowhere])).toMatchObject({ code: status.INVALID_ARGUMENT });
    expect(await failure([anything])).toMatchObject({ code: status.INVALID_ARGUMENT });
    expect(await failure([appendOptions(newStream()), badId])).toMatchObject({
      code: status.INVALID_ARGUMENT,
    });
  });

  test('begins with options, and goes on with events', async () => {
    const event = appendEvent({ id: randomUUID() });
    const options = appendOptions(newStream());

    expect(await failure([])).toMatchObject({ code: status.UNKNOWN });
    expect(await failure([event])).toMatchObject({ code: status.UNKNOWN });
    expect(await failure([options, options])).toMatchObject({ code: status.UNKNOWN });
  });

  test('takes no message that is too long', async () => {
    const event = appendEvent({ id: randomUUID(), data: Buffer.alloc(17 * 1024 * 1024) });

    expect(await failure([appendOptions(newStream()), event])).toMatchObject({
      code: status.RESOURCE_EXHAUSTED,
    });
  });

  test('tells a wrong revision in the fields of every version', async () => {
    const client = server.rawClient();
    const stream = newStream();
    await rawAppend(client, [appendOptions(stream), appendEvent({ id: randomUUID() })]);
    const options = appendOptions(stream, (options) => options.setRevision('7'));

    const answer = await rawAppend(client, [options, appendEvent({ id: randomUUID() })]);

    expect(answer.getWrongExpectedVersion()?.toObject()).toMatchObject({
      currentRevision: '0',
      currentRevision2060: 0,
      expectedRevision: '7',
      expectedRevision2060: 7,
    });
  });

  test('whose connection is closed stores nothing', async () => {
    await using proxy = await startTcpProxy(server.port());
    const client = server.rawClient(proxy.port);
    const stream = newStream();
    for (let round = 0; round < 20; round += 1) {
      const call = client.append(new Metadata(), () => {});
      const over = new Promise((resolve) => call.once('status', resolve).once('error', () => {}));
      call.write(appendOptions(stream));
      await new Promise((resolve) => call.write(appendEvent({ id: randomUUID() }), resolve));
      // So that the event is at the server.
      await delay(10);
      proxy.cut();
      await over;
    }
    await rawAppend(server.rawClient(), [appendOptions(newStream())]);

    const read = listOf(server.connect().readStream(stream));

    expect(await failureOf(read)).toBeInstanceOf(StreamNotFoundError);
  });

  test('that is cut off stores nothing', async () => {
    const client = server.rawClient();
    const stream = newStream();
    const call = client.append(new Metadata(), () => {});
    const over = new Promise((resolve) => call.once('status', resolve).once('error', () => {}));
    call.write(appendOptions(stream));
    await new Promise((resolve) => call.write(appendEvent({ id: randomUUID() }), resolve));
    call.cancel();
    await over;
    // Answered after what was sent before it: the server has seen the end of the first call.
    await rawAppend(client, [appendOptions(newStream()), appendEvent({ id: randomUUID() })]);

    const read = listOf(server.connect().readStream(stream));

    expect(await failureOf(read)).toBeInstanceOf(StreamNotFoundError);
  });
});

describe('the BatchAppend call', () => {
  const any = (stream: string) => batchOptions(stream).setAny(empty());

  test('carries many appends, in pieces, each with its own answer', async () => {
    const [one, two] = [newStream(), newStream()];
    const [first, second] = [randomUUID(), randomUUID()];
    const events = () => [batchEvent({ id: randomUUID() })];
    const isFinal = false;
    const answers = await rawBatch(server.rawClient(), [
      batchRequest({ id: first, options: any(one), events: events(), isFinal }),
      batchRequest({ id: second, options: any(two), events: events(), isFinal }),
      batchRequest({ id: second, events: events(), isFinal }),
      batchRequest({ id: second, events: events() }),
      batchRequest({ id: first }),
    ]);

    const told = answers.map((answer) => [
      answer.getCorrelationId()?.getString(),
      Buffer.from(answer.getStreamIdentifier()?.getStreamName_asU8() ?? []).toString(),
      answer.getSuccess()?.getCurrentRevision(),
    ]);
    expect(told).toEqual([
      [second, two, '2'],
      [first, one, '0'],
    ]);
  });

  test('answers errors with a status and its details, and goes on', async () => {
    const stream = newStream();
    const gone = newStream();
    await server.connect().tombstoneStream(gone);
    const past = timestampPb.Timestamp.fromDate(new Date(Date.now() - 1_000));
    const nowhere = any(stream);
    nowhere.clearStreamIdentifier();
    const requests = [
      batchOptions(stream).setStreamPosition('4'),
      any(gone),
      any(stream).setDeadline(past),
      nowhere,
      batchOptions(stream),
      any(stream),
    ].map((options) =>
      batchRequest({ id: randomUUID(), options, events: [batchEvent({ id: randomUUID() })] }),
    );
    const answers = await rawBatch(server.rawClient(), requests);

    const byRequest = requests.map((request) => {
      const id = request.getCorrelationId()?.getString();
      const answer = answers.find((one) => one.getCorrelationId()?.getString() === id);
      const error = answer?.getError();
      return [error?.getCode(), error?.getMessage(), error?.getDetails()?.getTypeName()];
    });
    const details = (name: string) => `event_store.client.${name}`;
    expect(byRequest).toEqual([
      [status.ALREADY_EXISTS, 'WrongExpectedVersion', details('WrongExpectedVersion')],
      [status.NOT_FOUND, 'StreamDeleted', details('StreamDeleted')],
      [status.DEADLINE_EXCEEDED, 'Timeout', details('Timeout')],
      [status.INVALID_ARGUMENT, 'BadRequest', details('BadRequest')],
      [status.INVALID_ARGUMENT, 'BadRequest', details('BadRequest')],
      [undefined, undefined, undefined],
    ]);
  });

  test('gives up an append whose end does not come in time', async () => {
    const stream = newStream();
    const soon = timestampPb.Timestamp.fromDate(new Date(Date.now() + 50));
    const call = server.rawClient().batchAppend();
    const answered = once(call, 'data');
    const options = any(stream).setDeadline(soon);
    const events = [batchEvent({ id: randomUUID() })];
    call.write(batchRequest({ id: randomUUID(), options, events, isFinal: false }));
    const [answer] = await answered;
    call.end();
    await once(call, 'end');

    expect(answer.getError()?.getMessage()).toBe('Timeout');
  });

  test('refuses an event without its type, and one append alone', async () => {
    const stream = newStream();
    const { type: _, ...untyped } = jsonProperties;
    const bad = batchEvent({ id: randomUUID(), properties: untyped });
    const good = batchEvent({ id: randomUUID() });
    const options = any(stream);
    const answers = await rawBatch(server.rawClient(), [
      batchRequest({ id: randomUUID(), options, events: [bad] }),
      batchRequest({ id: randomUUID(), options, events: [good] }),
    ]);

    expect(answers.map((answer) => answer.hasError())).toEqual([true, false]);
  });

  test('takes ids as two halves', async () => {
    const stream = newStream();
    const id = 'f0e1d2c3-b4a5-4697-8877-665544332211';
    const halves = new sharedPb.UUID.Structured()
      .setMostSignificantBits(BigInt.asIntN(64, 0xf0e1d2c3b4a54697n).toString())
      .setLeastSignificantBits(BigInt.asIntN(64, 0x8877665544332211n).toString());
    const event = batchEvent({ id }).setId(new sharedPb.UUID().setStructured(halves));
    const request = batchRequest({ id: randomUUID(), options: any(stream), events: [event] });
    await rawBatch(server.rawClient(), [request]);

    const [stored] = await listOf(server.connect().readStream(stream));

    expect(stored?.event?.id).toBe(id);
  });
});

test('bytes that are called JSON, and metadata that are none, come back as they were', async () => {
  const client = server.rawClient();
  const stream = newStream();
  const bytes = Buffer.from([0xff, 0x00, 0x80]);
  const event = appendEvent({ id: randomUUID(), data: bytes });
  event.getProposedMessage()?.setCustomMetadata(bytes);
  await rawAppend(client, [appendOptions(stream), event]);

  const [stored] = await listOf(server.connect().readStream(stream));

  expect(stored?.event).toMatchObject({ isJson: true, data: bytes.toString() });
  expect(Buffer.from(stored?.event?.metadata as Uint8Array)).toEqual(bytes);
});
