import { randomUUID } from 'node:crypto';
import {
  BACKWARDS,
  binaryEvent,
  END,
  type JSONEventData,
  jsonEvent,
  WrongExpectedVersionError,
} from '@eventstore/db-client';
import { describe, expect, test } from '@jest/globals';
import { eventStoreServer, listOf } from '../support/event-store-server.ts';

const server = eventStoreServer();

function orders(count: number): JSONEventData[] {
  return Array.from({ length: count }, (_, number) =>
    jsonEvent({ type: 'OrderPlaced', data: { number }, metadata: { by: 'a test' } }),
  );
}

describe("EventStoreDB's own client", () => {
  test('appends and reads a stream, JSON and bytes', async () => {
    const client = server.connect();
    const bytes = binaryEvent({ type: 'Blob', data: Buffer.from([0, 255, 128]) });
    const events = [...orders(2), bytes];
    const written = await client.appendToStream('order-1', events, {
      expectedRevision: 'no_stream',
    });

    const read = await listOf(client.readStream('order-1'));

    expect(written).toMatchObject({ success: true, nextExpectedRevision: 2n });
    expect(read.map(({ event }) => event)).toMatchObject([
      {
        id: events[0]?.id,
        streamId: 'order-1',
        revision: 0n,
        type: 'OrderPlaced',
        data: { number: 0 },
        metadata: { by: 'a test' },
        isJson: true,
      },
      { id: events[1]?.id, revision: 1n, data: { number: 1 } },
      { id: bytes.id, revision: 2n, type: 'Blob', isJson: false, metadata: undefined },
    ]);
    expect(Buffer.from(read[2]?.event?.data as Uint8Array)).toEqual(Buffer.from([0, 255, 128]));
    expect(read.at(-1)?.event?.position).toEqual(written.position);
  });

  test('reads backwards, and the log as a whole', async () => {
    const client = server.connect();
    const stream = `order-${randomUUID()}`;
    const events = orders(3);
    await client.appendToStream(stream, events);

    const options = { direction: BACKWARDS, fromRevision: END, maxCount: 2 } as const;
    const newest = await listOf(client.readStream(stream, options));
    const everything = await listOf(client.readAll());

    expect(newest.map(({ event }) => event?.revision)).toEqual([2n, 1n]);
    const own = everything.filter(({ event }) => event?.streamId === stream);
    expect(own.map(({ event }) => event?.id)).toEqual(events.map(({ id }) => id));
  });

  test.each([false, true])(
    'is told of a wrong revision (one stream of its own: %s)',
    async (own) => {
      const client = server.connect();
      const stream = `order-${randomUUID()}`;
      await client.appendToStream(stream, orders(2));
      // With credentials of a call, the client uses Append and not BatchAppend.
      const credentials = own ? { credentials: { username: 'a', password: 'b' } } : {};

      const conflict = await client
        .appendToStream(stream, orders(1), { expectedRevision: 0n, ...credentials })
        .catch((error: unknown) => error);

      expect(conflict).toBeInstanceOf(WrongExpectedVersionError);
      expect(conflict).toMatchObject({
        streamName: stream,
        expectedVersion: 0n,
        actualVersion: 1n,
      });
    },
  );

  test('subscribes to a stream: what is there, then what comes', async () => {
    const client = server.connect();
    const stream = `order-${randomUUID()}`;
    const events = orders(4);
    await client.appendToStream(stream, events.slice(0, 2));
    const subscription = client.subscribeToStream(stream);
    const seen: (string | undefined)[] = [];
    for await (const { event } of subscription) {
      seen.push(event?.id);
      if (seen.length === 2) await client.appendToStream(stream, events.slice(2));
      if (seen.length === 4) break;
    }

    expect(seen).toEqual(events.map(({ id }) => id));
  });

  test('subscribes to the log from a position on', async () => {
    const client = server.connect();
    const stream = `order-${randomUUID()}`;
    const { position } = await client.appendToStream(stream, orders(1));
    const later = orders(3);
    await client.appendToStream(stream, later);
    const subscription = client.subscribeToAll({ fromPosition: position ?? END });
    const seen: (string | undefined)[] = [];
    for await (const { event } of subscription) {
      seen.push(event?.id);
      if (seen.length === 3) break;
    }

    expect(seen).toEqual(later.map(({ id }) => id));
  });
});
