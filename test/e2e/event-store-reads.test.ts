import { randomUUID } from 'node:crypto';
import {
  BACKWARDS,
  binaryEvent,
  END,
  FORWARDS,
  type ResolvedEvent,
  START,
  StreamDeletedError,
  StreamNotFoundError,
} from '@eventstore/db-client';
import type { ReadReq, ReadResp } from '@eventstore/db-client/generated/streams_pb.js';
import streamsPb from '@eventstore/db-client/generated/streams_pb.js';
import { type ServiceError, status } from '@grpc/grpc-js';
import { describe, expect, test } from '@jest/globals';
import { empty, rawRead, readRequest } from '../support/event-store-requests.ts';
import { eventStoreServer, failureOf, listOf, testEvents } from '../support/event-store-server.ts';

const server = eventStoreServer();
const { Options } = streamsPb.ReadReq;

const newStream = (prefix = 'order') => `${prefix}-${randomUUID()}`;

const revisionsOf = (events: readonly ResolvedEvent[]) =>
  events.map(({ event }) => Number(event?.revision));

async function streamOf(count: number, stream = newStream()) {
  const client = server.connect();
  const written = await client.appendToStream(stream, testEvents(count));
  return { client, stream, written };
}

describe('a stream', () => {
  test.each([
    ['from the start', {}, [0, 1, 2, 3, 4, 5]],
    ['from a revision', { fromRevision: 4n }, [4, 5]],
    ['from beyond the end', { fromRevision: 6n }, []],
    ['from the end', { fromRevision: END }, []],
    ['some', { maxCount: 2 }, [0, 1]],
    ['some from a revision', { fromRevision: 3n, maxCount: 2 }, [3, 4]],
    ['backwards', { direction: BACKWARDS, fromRevision: END }, [5, 4, 3, 2, 1, 0]],
    ['backwards from a revision', { direction: BACKWARDS, fromRevision: 1n }, [1, 0]],
    ['backwards from the start', { direction: BACKWARDS, fromRevision: START }, [0]],
    ['backwards from beyond', { direction: BACKWARDS, fromRevision: 90n, maxCount: 1 }, [5]],
    ['one backwards', { direction: BACKWARDS, fromRevision: 4n, maxCount: 1 }, [4]],
  ] as const)('is read %s', async (_name, options, revisions) => {
    const { client, stream } = await streamOf(6);

    const events = await listOf(client.readStream(stream, options));

    expect(revisionsOf(events)).toEqual(revisions);
  });

  test('is read over many pages, both ways', async () => {
    const { client, stream } = await streamOf(1_200);

    const forwards = await listOf(client.readStream(stream));
    const options = { direction: BACKWARDS, fromRevision: END } as const;
    const backwards = await listOf(client.readStream(stream, options));

    expect(revisionsOf(forwards)).toEqual(Array.from({ length: 1_200 }, (_, number) => number));
    expect(revisionsOf(backwards)).toEqual(revisionsOf(forwards).reverse());
  });

  test('tells the positions, the time and the type of its events', async () => {
    const before = Date.now();
    const { client, stream, written } = await streamOf(1);

    const [event] = await listOf(client.readStream(stream));

    expect(event?.event).toMatchObject({ type: 'OrderPlaced', position: written.position });
    expect(event?.commitPosition).toBe(written.position?.commit);
    expect(event?.event?.created.getTime() ?? 0).toBeGreaterThanOrEqual(before);
    expect(event?.event?.created.getTime() ?? 0).toBeLessThanOrEqual(Date.now());
  });

  test.each([FORWARDS, BACKWARDS] as const)(
    'that is not there is not found (%s)',
    async (direction) => {
      const stream = newStream();
      const fromRevision = direction === FORWARDS ? START : END;
      const read = listOf(server.connect().readStream(stream, { direction, fromRevision }));

      const failure = await failureOf(read);

      expect(failure).toBeInstanceOf(StreamNotFoundError);
      const [answer] = await rawRead(server.rawClient(), readRequest(stream));
      const name = answer?.getStreamNotFound()?.getStreamIdentifier()?.getStreamName_asU8() ?? [];
      expect(Buffer.from(name).toString()).toBe(stream);
    },
  );

  test.each([FORWARDS, BACKWARDS] as const)(
    'that is a tombstone is deleted (%s)',
    async (direction) => {
      const { client, stream } = await streamOf(2);
      await client.tombstoneStream(stream);
      const fromRevision = direction === FORWARDS ? START : END;

      const failure = await failureOf(
        listOf(client.readStream(stream, { direction, fromRevision })),
      );

      expect(failure).toBeInstanceOf(StreamDeletedError);
      expect(failure).toMatchObject({ streamName: stream });
    },
  );
});

describe('the first and last revision', () => {
  const told = (answers: readonly ReadResp[]) =>
    answers.flatMap((answer) => [
      ...(answer.hasFirstStreamPosition() ? [`first ${answer.getFirstStreamPosition()}`] : []),
      ...(answer.hasLastStreamPosition() ? [`last ${answer.getLastStreamPosition()}`] : []),
    ]);

  function compatible(set: (options: ReadReq.Options) => void) {
    return (options: ReadReq.Options) => {
      options.setControlOption(new Options.ControlOption().setCompatibility(1));
      set(options);
    };
  }

  // By EventStoreDB's pages of 32 events: the first is told where its page is empty.
  test.each([
    ['all', 0, '1000', ['last 63']],
    ['some', 0, '2', ['last 63']],
    ['the page that was truncated', 32, '1000', ['first 32', 'last 63']],
    ['a part of the page that was truncated', 20, '1000', ['last 63']],
    ['less than what was truncated', 5, '3', ['first 5', 'last 63']],
    ['everything truncated', 64, '1000', ['first 64', 'last 63']],
  ])('is told to who reads %s', async (_name, truncateBefore, count, expected) => {
    const { client, stream } = await streamOf(64);
    await client.setStreamMetadata(stream, { truncateBefore });
    const request = readRequest(
      stream,
      compatible((it) => it.setCount(count)),
    );

    expect(told(await rawRead(server.rawClient(), request))).toEqual(expected);
  });

  test('is told backwards as well, and to nobody who does not ask', async () => {
    const { stream } = await streamOf(3);
    const backwards = compatible((it) => it.setReadDirection(1).getStream()?.setEnd(empty()));

    const client = server.rawClient();
    expect(told(await rawRead(client, readRequest(stream, backwards)))).toEqual(['last 2']);
    expect(told(await rawRead(client, readRequest(stream)))).toEqual([]);
  });
});

describe('the log', () => {
  test('is read from a position on, and before one', async () => {
    const { client, written } = await streamOf(1);
    const { stream, written: last } = await streamOf(3);
    const from = written.position ?? START;
    const to = last.position ?? END;

    const forwards = await listOf(client.readAll({ fromPosition: from, maxCount: 4 }));
    const backwards = await listOf(
      client.readAll({ direction: BACKWARDS, fromPosition: to, maxCount: 3 }),
    );

    // A position is inclusive forwards, and exclusive backwards.
    expect(forwards.map(({ event }) => [event?.streamId === stream, event?.revision])).toEqual([
      [false, 0n],
      [true, 0n],
      [true, 1n],
      [true, 2n],
    ]);
    expect(backwards.map(({ event }) => [event?.streamId === stream, event?.revision])).toEqual([
      [true, 1n],
      [true, 0n],
      [false, 0n],
    ]);
  });

  test('has nothing after its end, and nothing before its start', async () => {
    const client = server.connect();

    expect(await listOf(client.readAll({ fromPosition: END }))).toEqual([]);
    expect(await listOf(client.readAll({ direction: BACKWARDS, fromPosition: START }))).toEqual([]);
  });

  test('is the same both ways, and begins with an event of the system', async () => {
    const { client } = await streamOf(600);

    const forwards = await listOf(client.readAll());
    const backwards = await listOf(client.readAll({ direction: BACKWARDS, fromPosition: END }));

    expect(backwards.map(({ event }) => event?.id)).toEqual(
      forwards.map(({ event }) => event?.id).reverse(),
    );
    expect(forwards[0]?.event?.type).toBe('$epoch-information');
    const positions = forwards.map(({ event }) => Number(event?.position?.commit));
    expect(positions).toEqual(positions.map((_, index) => index + 1));
  });

  const filtered = (
    set: (filter: ReadReq.Options.FilterOptions, by: ReturnType<typeof expression>) => void,
    { isBackwards = false, count = '1000' } = {},
  ) =>
    readRequest('', (options) => {
      const filter = new Options.FilterOptions()
        .setCount(empty())
        .setCheckpointintervalmultiplier(1);
      set(filter, expression());
      const all = new Options.AllOptions();
      if (isBackwards) all.setEnd(empty());
      else all.setStart(empty());
      options
        .setAll(all)
        .setCount(count)
        .setFilter(filter)
        .setReadDirection(isBackwards ? 1 : 0);
    });
  const expression = () => new Options.FilterOptions.Expression();

  test.each([
    ['types by prefix', ['Alpha', 'Albedo'], (it, by) => it.setEventType(by.setPrefixList(['Al']))],
    [
      'types by prefixes',
      ['Alpha', 'Beta'],
      (it, by) => it.setEventType(by.setPrefixList(['Alp', 'B'])),
    ],
    [
      'types by expression',
      ['Alpha', 'Beta'],
      (it, by) => it.setEventType(by.setRegex('^(Alpha|Beta)$')),
    ],
    ['types by any case', ['Alpha'], (it, by) => it.setEventType(by.setRegex('(?i)^alpha$'))],
    [
      'types by what they are not',
      ['Beta'],
      (it, by) => it.setEventType(by.setRegex('^(?!\\$|Al)(?!OrderPlaced)')),
    ],
    [
      'streams by prefix',
      ['Alpha', 'Beta'],
      (it, by) => it.setStreamIdentifier(by.setPrefixList(['filtered-'])),
    ],
    [
      'streams by expression',
      ['Albedo'],
      (it, by) => it.setStreamIdentifier(by.setRegex('^un.*tered')),
    ],
  ] as [string, string[], Parameters<typeof filtered>[0]][])(
    'is filtered: %s',
    async (_name, types, set) => {
      const client = server.connect();
      const [one, two] = [newStream('filtered'), newStream('unfiltered')];
      const { position } = await client.appendToStream(one, testEvents(1, 'Alpha'));
      await client.appendToStream(one, testEvents(1, 'Beta'));
      await client.appendToStream(two, testEvents(1, 'Albedo'));

      const mine = (answers: readonly ReadResp[]) =>
        answers
          .map((answer) => answer.getEvent())
          .filter((event) => BigInt(event?.getCommitPosition() ?? 0) >= (position?.commit ?? 0n))
          .map((event) => event?.getEvent()?.getMetadataMap().get('type'));
      const forwards = await rawRead(server.rawClient(), filtered(set));
      const backwards = await rawRead(server.rawClient(), filtered(set, { isBackwards: true }));
      const first = await rawRead(server.rawClient(), filtered(set, { count: '1' }));

      expect(mine(forwards)).toEqual(types);
      expect(mine(backwards)).toEqual(types.toReversed());
      expect(first).toHaveLength(1);
    },
  );

  test.each([
    ['an expression that is none', status.UNKNOWN, (it, by) => it.setEventType(by.setRegex('('))],
    ['neither types nor streams', status.INVALID_ARGUMENT, () => {}],
    ['no window', status.INVALID_ARGUMENT, (it, by) => it.setEventType(by).clearCount()],
  ] as [string, status, Parameters<typeof filtered>[0]][])(
    'refuses a filter of %s',
    async (_name, code, set) => {
      const failure = await failureOf(rawRead(server.rawClient(), filtered(set)));

      expect(failure).toMatchObject({ code });
    },
  );
});

describe('a link', () => {
  const linkTo = (target: string) => binaryEvent({ type: '$>', data: Buffer.from(target) });

  async function linked(target: string) {
    const client = server.connect();
    const links = newStream('links');
    await client.appendToStream(links, linkTo(target));
    return { client, links };
  }

  test('is followed where the reader wants it', async () => {
    const { stream } = await streamOf(3);
    const { client, links } = await linked(`2@${stream}`);
    const [target] = await listOf(client.readStream(stream, { fromRevision: 2n }));

    const [plain] = await listOf(client.readStream(links));
    const [followed] = await listOf(client.readStream(links, { resolveLinkTos: true }));
    const options = { direction: BACKWARDS, fromPosition: END, maxCount: 1 } as const;
    const [ofLog] = await listOf(client.readAll({ ...options, resolveLinkTos: true }));

    expect(plain).toMatchObject({ event: { type: '$>', streamId: links } });
    expect(plain).not.toHaveProperty('link');
    expect(followed?.event).toEqual(target?.event);
    expect(followed?.link).toMatchObject({ type: '$>', streamId: links, revision: 0n });
    // The place of the answer is that of the link.
    expect(followed?.commitPosition).toBe(followed?.link?.position?.commit);
    expect(ofLog).toEqual(followed);
  });

  test.each(['deleted', 'tombstone', 'truncated', 'never there', 'no target'])(
    'whose target is not served is given alone (%s)',
    async (how) => {
      const { client, stream } = await streamOf(2);
      const { links } = await linked(how === 'no target' ? 'nowhere' : `0@${stream}`);
      if (how === 'deleted') await client.deleteStream(stream);
      if (how === 'tombstone') await client.tombstoneStream(stream);
      if (how === 'truncated') await client.setStreamMetadata(stream, { maxCount: 1 });
      const name = how === 'never there' ? (await linked(`0@${newStream()}`)).links : links;

      const [followed] = await listOf(client.readStream(name, { resolveLinkTos: true }));

      expect(followed).not.toHaveProperty('event');
      expect(followed?.link).toMatchObject({ type: '$>', streamId: name });
    },
  );
});

describe('a request', () => {
  test.each([
    ['without a way to write ids', (it) => it.clearUuidOption()],
    ['without a stream', (it) => it.clearStream()],
    ['for a stream without a name', (it) => it.getStream()?.clearStreamIdentifier()],
    ['without a count', (it) => it.clearCount()],
    ['without a word on filters', (it) => it.clearNoFilter()],
    ['for a stream with a filter', (it) => it.setFilter(new Options.FilterOptions())],
    [
      'to subscribe backwards',
      (it) => it.setReadDirection(1).setSubscription(new Options.SubscriptionOptions()),
    ],
  ] as [string, (options: ReadReq.Options) => void][])('%s is refused', async (_name, set) => {
    const { stream } = await streamOf(1);
    const failure = await failureOf(rawRead(server.rawClient(), readRequest(stream, set)));

    expect((failure as ServiceError).code).toBe(status.INVALID_ARGUMENT);
  });

  test('from a position whose commit is before its prepare is refused', async () => {
    const at = new Options.Position().setCommitPosition('1').setPreparePosition('2');
    const request = readRequest('', (it) => it.setAll(new Options.AllOptions().setPosition(at)));

    const failure = await failureOf(rawRead(server.rawClient(), request));

    expect((failure as ServiceError).code).toBe(status.UNKNOWN);
  });

  test('gets ids as two halves where it wants them so', async () => {
    const { client, stream } = await streamOf(1);
    const [event] = await listOf(client.readStream(stream));
    const halves = new Options.UUIDOption().setStructured(empty());
    const request = readRequest(stream, (it) => it.setUuidOption(halves));

    const [answer] = await rawRead(server.rawClient(), request);

    const id = answer?.getEvent()?.getEvent()?.getId()?.getStructured();
    const hex = [id?.getMostSignificantBits(), id?.getLeastSignificantBits()]
      .map((half) =>
        BigInt.asUintN(64, BigInt(half ?? 0))
          .toString(16)
          .padStart(16, '0'),
      )
      .join('');
    expect(hex).toBe(event?.event?.id.replaceAll('-', ''));
  });
});
