import { randomUUID } from 'node:crypto';
import {
  BACKWARDS,
  END,
  type ResolvedEvent,
  StreamDeletedError,
  StreamNotFoundError,
  WrongExpectedVersionError,
} from '@eventstore/db-client';
import type { DeleteReq } from '@eventstore/db-client/generated/streams_pb.js';
import streamsPb from '@eventstore/db-client/generated/streams_pb.js';
import { type ServiceError, status } from '@grpc/grpc-js';
import { describe, expect, test } from '@jest/globals';
import {
  appendEvent,
  appendOptions,
  empty,
  identifier,
  rawAppend,
} from '../support/event-store-requests.ts';
import { eventStoreServer, failureOf, listOf, testEvents } from '../support/event-store-server.ts';

const server = eventStoreServer();
const client = () => server.connect();

const newStream = () => `order-${randomUUID()}`;

async function streamOf(count: number) {
  const stream = newStream();
  const written = await client().appendToStream(stream, testEvents(count));
  return { stream, written };
}

async function revisionsOf(stream: string, options = {}): Promise<number[]> {
  const events: ResolvedEvent[] = await listOf(client().readStream(stream, options));
  return events.map(({ event }) => Number(event?.revision));
}

async function dataOfMetadata(stream: string) {
  const options = { direction: BACKWARDS, fromRevision: END, maxCount: 1 } as const;
  const [newest] = await listOf(client().readStream(`$$${stream}`, options));
  return { revision: newest?.event?.revision, data: newest?.event?.data };
}

/** Metadata as they are: 2^63 - 1, for one, is no number of this language. */
async function appendMetadata(stream: string, text: string, contentType = 'application/json') {
  const properties = { type: '$metadata', 'content-type': contentType };
  const event = appendEvent({ id: randomUUID(), properties, data: Buffer.from(text) });
  await rawAppend(server.rawClient(), [appendOptions(`$$${stream}`), event]);
}

describe('a soft delete', () => {
  test('leaves a stream that is not found, and tells its position', async () => {
    const { stream, written } = await streamOf(4);

    const { position } = await client().deleteStream(stream, { expectedRevision: 3n });

    expect(position?.commit ?? 0n).toBeGreaterThan(written.position?.commit ?? 0n);
    expect(await failureOf(revisionsOf(stream))).toBeInstanceOf(StreamNotFoundError);
    const everything = await listOf(client().readAll({ direction: BACKWARDS, fromPosition: END }));
    // Until a scavenge, which there is none, the log as a whole has them all.
    expect(everything.filter(({ event }) => event?.streamId === stream)).toHaveLength(4);
  });

  test.each([
    ['any', undefined],
    ['an exact revision', 3n],
  ])('takes %s', async (_name, expectedRevision) => {
    const { stream } = await streamOf(4);
    const options = expectedRevision === undefined ? {} : { expectedRevision };

    await client().deleteStream(stream, options);
    // Again is no harm.
    await client().deleteStream(stream, options);

    expect(await failureOf(revisionsOf(stream))).toBeInstanceOf(StreamNotFoundError);
  });

  test.each([2n, 4n, 'no_stream'] as const)('refuses the revision %p', async (expectedRevision) => {
    const { stream } = await streamOf(4);

    const failure = await failureOf(client().deleteStream(stream, { expectedRevision }));

    expect(failure).toBeInstanceOf(WrongExpectedVersionError);
    expect(failure).toMatchObject({
      streamName: stream,
      expectedVersion: expectedRevision === 'no_stream' ? -1n : expectedRevision,
      actualVersion: 3n,
    });
    expect(await revisionsOf(stream)).toEqual([0, 1, 2, 3]);
  });

  test.each(['any', 'no_stream', 0n] as const)(
    'of a stream that is not there is refused (%p)',
    async (expectedRevision) => {
      const failure = await failureOf(client().deleteStream(newStream(), { expectedRevision }));

      expect(failure).toBeInstanceOf(WrongExpectedVersionError);
      expect((failure as Error).message).toContain('Actual version: -1');
    },
  );

  test('takes "no stream" for one that has metadata alone', async () => {
    const stream = newStream();
    await client().setStreamMetadata(stream, { cacheControl: 10 });

    const deleted = await client().deleteStream(stream, { expectedRevision: 'no_stream' });

    expect(deleted.position).toBeDefined();
  });

  test('where the stream exists takes it once', async () => {
    const { stream } = await streamOf(1);
    const remove = () =>
      new Promise((resolve, reject) => {
        const options = new streamsPb.DeleteReq.Options()
          .setStreamIdentifier(identifier(stream))
          .setStreamExists(empty());
        const done = (error: ServiceError | null) => (error ? reject(error) : resolve(undefined));
        server.rawClient().delete(new streamsPb.DeleteReq().setOptions(options), done);
      });

    await remove();
    const again = (await failureOf(remove())) as ServiceError;

    expect(again.code).toBe(status.FAILED_PRECONDITION);
    expect(again.metadata.getMap()).toMatchObject({
      exception: 'stream-deleted',
      'stream-name': stream,
    });
  });

  test('is refused without options and without a revision', async () => {
    const remove = (request: DeleteReq) =>
      new Promise((resolve) => {
        server.rawClient().delete(request, (error) => resolve(error?.code));
      });
    const options = new streamsPb.DeleteReq.Options().setStreamIdentifier(identifier('a'));

    expect(await remove(new streamsPb.DeleteReq())).toBe(status.UNKNOWN);
    expect(await remove(new streamsPb.DeleteReq().setOptions(options))).toBe(
      status.INVALID_ARGUMENT,
    );
  });
});

describe('a stream that was deleted', () => {
  test.each(['any', 'no_stream', 1n] as const)(
    'comes back with the next append, at its next revision (%p)',
    async (expectedRevision) => {
      const { stream } = await streamOf(2);
      await client().deleteStream(stream);

      const back = await client().appendToStream(stream, testEvents(3), { expectedRevision });
      const next = await client().appendToStream(stream, testEvents(2));

      expect([back, next]).toMatchObject([
        { nextExpectedRevision: 4n },
        { nextExpectedRevision: 6n },
      ]);
      expect(await revisionsOf(stream)).toEqual([2, 3, 4, 5, 6]);
      expect(await dataOfMetadata(stream)).toEqual({ revision: 1n, data: { $tb: 2 } });
    },
  );

  test('comes back once', async () => {
    const { stream } = await streamOf(2);
    await client().deleteStream(stream);
    const expectedRevision = 'no_stream';
    await client().appendToStream(stream, testEvents(1), { expectedRevision });

    const again = client().appendToStream(stream, testEvents(1), { expectedRevision });

    expect(await failureOf(again)).toBeInstanceOf(WrongExpectedVersionError);
  });

  test('is refused another revision, and where it has to exist', async () => {
    const { stream } = await streamOf(2);
    await client().deleteStream(stream);
    const append = (expectedRevision: bigint | 'stream_exists') =>
      failureOf(client().appendToStream(stream, testEvents(1), { expectedRevision }));

    expect(await append(0n)).toBeInstanceOf(WrongExpectedVersionError);
    expect(await append('stream_exists')).toBeInstanceOf(StreamDeletedError);
  });

  test('keeps its other metadata when it comes back', async () => {
    const { stream } = await streamOf(2);
    // What a soft delete writes, with more beside it.
    const metadata = '{"$maxCount":100,"$tb":9223372036854775807,"key":"some value"}';
    await appendMetadata(stream, metadata);
    expect(await failureOf(revisionsOf(stream))).toBeInstanceOf(StreamNotFoundError);

    await client().appendToStream(stream, testEvents(3), { expectedRevision: 1n });

    expect(await revisionsOf(stream)).toEqual([2, 3, 4]);
    expect(await dataOfMetadata(stream)).toEqual({
      revision: 1n,
      data: { $maxCount: 100, $tb: 2, key: 'some value' },
    });
  });

  test('comes back empty with new metadata', async () => {
    const { stream } = await streamOf(2);
    await client().deleteStream(stream);

    await client().setStreamMetadata(stream, { maxCount: 100 }, { expectedRevision: 0n });

    expect(await revisionsOf(stream)).toEqual([]);
    expect(await dataOfMetadata(stream)).toEqual({
      revision: 2n,
      data: { $maxCount: 100, $tb: 2 },
    });
  });
});

describe('a tombstone', () => {
  test.each([
    ['any', undefined],
    ['an exact revision', 1n],
  ])('ends a stream for good (%s)', async (_name, expectedRevision) => {
    const { stream, written } = await streamOf(2);
    const options = expectedRevision === undefined ? {} : { expectedRevision };

    const { position } = await client().tombstoneStream(stream, options);

    expect(position?.commit ?? 0n).toBeGreaterThan(written.position?.commit ?? 0n);
    const failures = await Promise.all([
      failureOf(revisionsOf(stream)),
      failureOf(client().appendToStream(stream, testEvents(1))),
      failureOf(client().tombstoneStream(stream)),
      failureOf(client().deleteStream(stream)),
    ]);
    for (const failure of failures) {
      expect(failure).toBeInstanceOf(StreamDeletedError);
      expect(failure).toMatchObject({ streamName: stream });
    }
  });

  test('is an event of the log, with the highest revision that there is', async () => {
    const { stream } = await streamOf(1);
    await client().tombstoneStream(stream);

    const options = { direction: BACKWARDS, fromPosition: END, maxCount: 1 } as const;
    const [last] = await listOf(client().readAll(options));

    expect(last?.event).toMatchObject({
      streamId: stream,
      type: '$streamDeleted',
      revision: 2n ** 63n - 1n,
    });
  });

  test('ends the metadata with the stream', async () => {
    const { stream } = await streamOf(1);
    await client().setStreamMetadata(stream, { maxCount: 5 });
    await client().tombstoneStream(stream);

    const failures = await Promise.all([
      failureOf(client().getStreamMetadata(stream)),
      failureOf(client().setStreamMetadata(stream, { maxCount: 6 })),
    ]);

    for (const failure of failures) {
      expect(failure).toBeInstanceOf(StreamDeletedError);
      expect(failure).toMatchObject({ streamName: `$$${stream}` });
    }
  });

  test('may be of a stream that never was, and of one that was deleted', async () => {
    const never = newStream();
    await client().tombstoneStream(never, { expectedRevision: 'no_stream' });
    const { stream } = await streamOf(2);
    await client().deleteStream(stream);
    await client().tombstoneStream(stream);

    expect(await failureOf(revisionsOf(never))).toBeInstanceOf(StreamDeletedError);
    expect(await failureOf(revisionsOf(stream))).toBeInstanceOf(StreamDeletedError);
  });

  test.each([0n, 5n, 'no_stream'] as const)('refuses the revision %p', async (expectedRevision) => {
    const { stream } = await streamOf(2);

    const failure = await failureOf(client().tombstoneStream(stream, { expectedRevision }));

    expect(failure).toBeInstanceOf(WrongExpectedVersionError);
    expect(await revisionsOf(stream)).toEqual([0, 1]);
  });

  test('of a stream that is not there needs that to be expected', async () => {
    const failure = failureOf(client().tombstoneStream(newStream(), { expectedRevision: 0n }));

    expect(await failure).toBeInstanceOf(WrongExpectedVersionError);
  });
});

describe('metadata', () => {
  test('are read as they were written, the newest alone', async () => {
    const { stream } = await streamOf(1);
    const acl = { readRoles: ['admin'], writeRoles: ['admin', 'ada'] };
    const metadata = { maxAge: 2, maxCount: 12, truncateBefore: 1, cacheControl: 15, acl };
    await client().setStreamMetadata(stream, { maxCount: 1 }, { expectedRevision: 'no_stream' });
    await client().setStreamMetadata(stream, metadata, { expectedRevision: 0n });

    const { metadata: read } = await client().getStreamMetadata(stream);

    expect(read).toEqual(metadata);
    expect(await revisionsOf(`$$${stream}`)).toEqual([1]);
    expect(await client().getStreamMetadata(newStream())).not.toHaveProperty('metadata');
  });

  test('are refused at a wrong revision', async () => {
    const options = { expectedRevision: 2n };
    const set = client().setStreamMetadata(newStream(), { maxCount: 1 }, options);

    expect(await failureOf(set)).toBeInstanceOf(WrongExpectedVersionError);
  });

  test.each([
    [{ maxCount: 3 }, [2, 3, 4]],
    [{ maxCount: 9 }, [0, 1, 2, 3, 4]],
    [{ truncateBefore: 4 }, [4]],
    [{ truncateBefore: 9 }, []],
    [{ maxCount: 3, truncateBefore: 1 }, [2, 3, 4]],
    [{ maxCount: 3, truncateBefore: 4 }, [4]],
  ])('%p leave these revisions: %p', async (metadata, revisions) => {
    const { stream } = await streamOf(5);
    await client().setStreamMetadata(stream, metadata);

    const backwards = { direction: BACKWARDS, fromRevision: END } as const;
    expect(await revisionsOf(stream)).toEqual(revisions);
    expect(await revisionsOf(stream, { maxCount: 2 })).toEqual(revisions.slice(0, 2));
    expect(await revisionsOf(stream, backwards)).toEqual(revisions.toReversed());
    expect(await revisionsOf(stream, { ...backwards, fromRevision: 1n })).toEqual(
      revisions.filter((revision) => revision <= 1).toReversed(),
    );
  });

  test('that are less strict serve events again', async () => {
    const { stream } = await streamOf(5);
    await client().setStreamMetadata(stream, { maxCount: 2 });
    await client().setStreamMetadata(stream, { maxCount: 4 });

    expect(await revisionsOf(stream)).toEqual([1, 2, 3, 4]);
  });

  test('$maxAge hides what is older', async () => {
    const { stream } = await streamOf(2);
    await client().setStreamMetadata(stream, { maxAge: 1 });
    while ((await revisionsOf(stream)).length > 0) {
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    await client().setStreamMetadata(stream, { maxAge: 3_600 });

    expect(await revisionsOf(stream)).toEqual([0, 1]);
    expect(await revisionsOf(stream, { direction: BACKWARDS, fromRevision: END })).toEqual([1, 0]);
  });

  test.each(['no JSON', '[1]', '{"$maxCount":"3","$tb":-1,"$maxAge":0}'])(
    'that make no sense are no metadata: %s',
    async (text) => {
      const { stream } = await streamOf(3);
      await appendMetadata(stream, text);

      expect(await revisionsOf(stream)).toEqual([0, 1, 2]);
    },
  );

  test('that nobody calls JSON are no metadata', async () => {
    const { stream } = await streamOf(3);
    await appendMetadata(stream, '{"$maxCount":1}', 'application/octet-stream');

    expect(await revisionsOf(stream)).toEqual([0, 1, 2]);
  });
});

test('a stream of the system is a stream like others', async () => {
  const stream = `$system-${randomUUID()}`;
  await client().appendToStream(stream, testEvents(2));

  expect(await revisionsOf(stream)).toEqual([0, 1]);
  await client().deleteStream(stream);
  expect(await failureOf(revisionsOf(stream))).toBeInstanceOf(StreamNotFoundError);
});
