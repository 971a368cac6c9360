import { randomUUID } from 'node:crypto';
import {
  binaryEvent,
  eventTypeFilter,
  excludeSystemEvents,
  type Position,
  StreamDeletedError,
  streamNameFilter,
} from '@eventstore/db-client';
import type { ReadReq } from '@eventstore/db-client/generated/streams_pb.js';
import streamsPb from '@eventstore/db-client/generated/streams_pb.js';
import { status } from '@grpc/grpc-js';
import { describe, expect, test } from '@jest/globals';
import { listen } from '../support/event-store-listener.ts';
import { empty, readRequest } from '../support/event-store-requests.ts';
import { eventStoreServer, failureOf, testEvents } from '../support/event-store-server.ts';

const server = eventStoreServer();
const client = () => server.connect();
const { Options } = streamsPb.ReadReq;

const newStream = (prefix = 'order') => `${prefix}-${randomUUID()}`;
const tombstoneRevision = 2n ** 63n - 1n;

function subscription(stream: string, set: (options: ReadReq.Options) => void = () => {}) {
  return readRequest(stream, (options) => {
    options.setSubscription(new Options.SubscriptionOptions());
    set(options);
  });
}

function ofLog(
  from: Position | 'start' | 'end',
  set: (options: ReadReq.Options) => void = () => {},
) {
  const all = new Options.AllOptions();
  if (from === 'start') all.setStart(empty());
  else if (from === 'end') all.setEnd(empty());
  else {
    const at = new Options.Position()
      .setCommitPosition(from.commit.toString())
      .setPreparePosition(from.prepare.toString());
    all.setPosition(at);
  }
  return subscription('', (options) => {
    options.setAll(all);
    set(options);
  });
}

function filterBy(prefix: string, window: number, multiplier: number) {
  return (options: ReadReq.Options) => {
    const expression = new Options.FilterOptions.Expression().setPrefixList([prefix]);
    const filter = new Options.FilterOptions()
      .setStreamIdentifier(expression)
      .setMax(window)
      .setCheckpointintervalmultiplier(multiplier);
    options.setFilter(filter);
  };
}

async function append(stream: string, count: number) {
  const { position } = await client().appendToStream(stream, testEvents(count));
  if (position === undefined) throw new Error('an append without a position');
  return position;
}

const eventsOf = (stream: string, ...revisions: (number | bigint)[]) =>
  revisions.map((revision) => `event ${revision}@${stream}`);

describe('a subscription to a stream', () => {
  test.each([
    ['the start', (it) => it.setStart(empty()), [0, 1, 2]],
    ['a revision, which it has', (it) => it.setRevision('1'), [2]],
    ['the last revision', (it) => it.setRevision('2'), []],
    ['the end', (it) => it.setEnd(empty()), []],
  ] as [string, (options: ReadReq.Options.StreamOptions) => void, number[]][])(
    'begins after %s, is confirmed, and is told when it has caught up',
    async (_name, set, old) => {
      const stream = newStream();
      await append(stream, 3);
      const request = subscription(stream, (it) => set(it.getStream() as never));
      const listener = listen(server.rawClient(), request);
      await listener.until((said) => said.includes('caught up'));

      await append(newStream(), 2);
      await append(stream, 2);
      await listener.until((said) => said.includes(`event 4@${stream}`));
      listener.cancel();

      expect(listener.said).toEqual([
        'confirmed',
        ...eventsOf(stream, ...old),
        'caught up',
        ...eventsOf(stream, 3, 4),
      ]);
      expect(listener.answers[0]?.getConfirmation()?.getSubscriptionId()).toMatch(/^[\da-f-]{36}$/);
    },
  );

  test('that does not have a revision yet waits for what is after it', async () => {
    const stream = newStream();
    await append(stream, 1);
    const request = subscription(stream, (it) => it.getStream()?.setRevision('2'));
    const listener = listen(server.rawClient(), request);
    await listener.until((said) => said.includes('caught up'));

    await append(stream, 3);
    await listener.until((said) => said.includes(`event 3@${stream}`));
    listener.cancel();

    expect(listener.said).toEqual(['confirmed', 'caught up', `event 3@${stream}`]);
  });

  test('that is not there yet waits for it', async () => {
    const stream = newStream();
    const listener = listen(server.rawClient(), subscription(stream));
    await listener.until((said) => said.includes('caught up'));

    await append(stream, 1);
    await listener.until((said) => said.includes(`event 0@${stream}`));
    listener.cancel();

    expect(listener.said).toEqual(['confirmed', 'caught up', `event 0@${stream}`]);
  });

  test('gives what is served of the past, and everything that is new', async () => {
    const stream = newStream();
    await append(stream, 5);
    await client().setStreamMetadata(stream, { maxCount: 2 });
    const listener = listen(server.rawClient(), subscription(stream));
    await listener.until((said) => said.includes('caught up'));

    await append(stream, 4);
    await listener.until((said) => said.includes(`event 8@${stream}`));
    listener.cancel();

    const expected = ['confirmed', ...eventsOf(stream, 3, 4), 'caught up'];
    expect(listener.said).toEqual([...expected, ...eventsOf(stream, 5, 6, 7, 8)]);
  });

  test('goes on over a soft delete', async () => {
    const stream = newStream();
    await append(stream, 2);
    const listener = listen(server.rawClient(), subscription(stream));
    await listener.until((said) => said.includes('caught up'));
    await client().deleteStream(stream);
    await append(stream, 1);
    await listener.until((said) => said.includes(`event 2@${stream}`));
    listener.cancel();

    const again = listen(server.rawClient(), subscription(stream));
    await again.until((said) => said.includes('caught up'));
    again.cancel();

    expect(listener.said.slice(-1)).toEqual([`event 2@${stream}`]);
    expect(again.said).toEqual(['confirmed', `event 2@${stream}`, 'caught up']);
  });

  test('ends with the tombstone', async () => {
    const stream = newStream();
    await append(stream, 1);
    const listener = listen(server.rawClient(), subscription(stream));
    await listener.until((said) => said.includes('caught up'));
    await append(stream, 1);
    await client().tombstoneStream(stream);

    const end = await listener.ended;

    expect(listener.said.slice(3)).toEqual(eventsOf(stream, 1, tombstoneRevision));
    expect(end.code).toBe(status.FAILED_PRECONDITION);
    expect(end.metadata.getMap()).toMatchObject({ exception: 'stream-deleted' });
  });

  test('that is a tombstone is refused', async () => {
    const stream = newStream();
    await client().tombstoneStream(stream);
    const subscribed = new Promise((_, reject) => {
      client().subscribeToStream(stream).once('error', reject);
    });

    expect(await failureOf(subscribed)).toBeInstanceOf(StreamDeletedError);
  });

  test('follows links where it shall, in the past and now', async () => {
    const stream = newStream();
    const links = newStream('links');
    await append(stream, 2);
    const link = (revision: number) =>
      client().appendToStream(
        links,
        binaryEvent({ type: '$>', data: Buffer.from(`${revision}@${stream}`) }),
      );
    await link(0);
    const request = subscription(links, (it) => it.setResolveLinks(true));
    const listener = listen(server.rawClient(), request);
    await listener.until((said) => said.includes('caught up'));
    await link(1);
    await link(9);
    await listener.until((said) => said.includes(`event 2@${links}`));
    listener.cancel();

    const targets = listener.answers
      .filter((answer) => answer.hasEvent())
      .map((answer) => answer.getEvent()?.getEvent()?.getStreamRevision());
    expect(targets).toEqual(['0', '1', undefined]);
  });
});

describe('a subscription to the log', () => {
  test('begins after a position', async () => {
    const [one, two] = [newStream(), newStream()];
    const position = await append(one, 1);
    await append(two, 2);
    const listener = listen(server.rawClient(), ofLog(position));
    await listener.until((said) => said.includes('caught up'));
    await append(one, 1);
    await listener.until((said) => said.includes(`event 1@${one}`));
    listener.cancel();

    expect(listener.said).toEqual([
      'confirmed',
      ...eventsOf(two, 0, 1),
      'caught up',
      ...eventsOf(one, 1),
    ]);
  });

  test('begins at the start, or at the end', async () => {
    await append(newStream(), 1);
    const fromStart = listen(server.rawClient(), ofLog('start'));
    const fromEnd = listen(server.rawClient(), ofLog('end'));
    await fromEnd.until((said) => said.includes('caught up'));
    const stream = newStream();
    await append(stream, 1);
    for (const listener of [fromStart, fromEnd]) {
      await listener.until((said) => said.includes(`event 0@${stream}`));
      listener.cancel();
    }

    expect(fromStart.said.slice(0, 2)).toEqual(['confirmed', 'event 0@$epoch-information']);
    expect(fromEnd.said).toEqual(['confirmed', 'caught up', `event 0@${stream}`]);
  });

  test('gives every event once, in order, while others are appended', async () => {
    const position = await append(newStream(), 1);
    const [one, two] = [newStream('many'), newStream('many')];
    const writing = Promise.all(
      [one, two].map(async (stream) => {
        for (let count = 0; count < 40; count += 1) await append(stream, 10);
      }),
    );
    const listener = listen(server.rawClient(), ofLog(position));
    await writing;
    await listener.until((said) => said.filter((one) => one.startsWith('event')).length === 800);
    listener.cancel();

    const positions = listener.answers
      .filter((answer) => answer.hasEvent())
      .map((answer) => Number(answer.getEvent()?.getCommitPosition()));
    expect(positions).toEqual(positions.map((_, index) => Number(position.commit) + 1 + index));
  });

  test('that takes nothing is told that it fell behind, and gets everything all the same', async () => {
    const position = await append(newStream(), 1);
    const listener = listen(server.rawClient(), ofLog(position));
    await listener.until((said) => said.includes('caught up'));
    listener.pause();
    const stream = newStream();
    // More than the buffers of both sides hold.
    for (let count = 0; count < 30; count += 1) await append(stream, 400);
    listener.resume();
    await listener.until((said) => said.includes(`event 11999@${stream}`));
    await listener.until((said) => said.at(-1) === 'caught up');
    listener.cancel();

    const numbers = Array.from({ length: 12_000 }, (_, number) => number);
    const events = listener.said.filter((one) => one.startsWith('event'));
    expect(events).toEqual(eventsOf(stream, ...numbers));
    const states = listener.said.filter((one) => !one.startsWith('event'));
    expect(states.slice(0, 4)).toEqual(['confirmed', 'caught up', 'fell behind', 'caught up']);
  }, 30_000);

  test('ends when its caller does', async () => {
    const listener = listen(server.rawClient(), ofLog('end'));
    await listener.until((said) => said.includes('caught up'));
    listener.cancel();

    expect((await listener.ended).code).toBe(status.CANCELLED);
  });
});

describe('a filter', () => {
  const checkpoints = (said: readonly string[]) =>
    said.filter((one) => one.startsWith('checkpoint')).map((one) => Number(one.split(' ')[1]));

  test('is told how far the log was read, every so many events', async () => {
    const position = await append(newStream('other'), 1);
    const first = Number(position.commit) + 1;
    await append(newStream('other'), 10);
    const mine = newStream('mine');
    await append(mine, 1);
    const request = ofLog(position, filterBy('mine-', 2, 2));
    const listener = listen(server.rawClient(), request);
    await listener.until((said) => said.includes('caught up'));
    const past = listener.said.slice();
    await append(newStream('other'), 7);
    await append(mine, 1);
    await listener.until((said) => said.includes(`checkpoint ${first + 18}`));
    listener.cancel();

    // Eleven events of the past: after four, after eight, and where it has caught up.
    expect(checkpoints(past)).toEqual([first + 3, first + 7, first + 10]);
    expect(past.at(-2)).toBe(`checkpoint ${first + 10}`);
    expect(past.filter((one) => one.startsWith('event'))).toEqual(eventsOf(mine, 0));
    // From there on it is counted anew.
    expect(checkpoints(listener.said.slice(past.length))).toEqual([first + 14, first + 18]);
  });

  test('hears nothing where nothing happens', async () => {
    const position = await append(newStream(), 1);
    const request = ofLog(position, filterBy('mine-', 32, 1));
    const listener = listen(server.rawClient(), request);
    await listener.until((said) => said.includes('caught up'));
    await append(newStream(), 20);
    const mine = newStream('mine');
    await append(mine, 1);
    await listener.until((said) => said.includes(`event 0@${mine}`));
    listener.cancel();

    expect(listener.said).toEqual(['confirmed', 'caught up', `event 0@${mine}`]);
  });

  test.each([
    ['a class of letters', '^\\p{Lu}', true],
    ['a class of letters with options', '(?i)^\\p{L}[a-z]+-', true],
    ['a class that takes some out of another, of .NET alone', '^[A-Z-[W]]', false],
    ['one letter or a bracket', '^[W\\-\\[]anted', true],
  ])('by %s is as in .NET, or refused', async (_name, regex, isKnown) => {
    const key = randomUUID();
    await client().appendToStream(`filtered-${key}`, testEvents(1, `Wanted-${key}`));
    const wanted = async () => {
      for await (const { event } of client().subscribeToAll({
        filter: eventTypeFilter({ regex }),
      })) {
        if (event?.type === `Wanted-${key}`) return event.streamId;
      }
      return undefined;
    };

    if (isKnown) expect(await wanted()).toBe(`filtered-${key}`);
    else await expect(wanted()).rejects.toThrow('RegexParseException');
  });

  test('by an expression that tries out all ways holds up nobody', async () => {
    const stream = newStream('hard');
    await client().appendToStream(stream, testEvents(1, `${'a'.repeat(34)}!`));
    const filter = eventTypeFilter({ regex: '^(a+)+$' });
    const hard = client().subscribeToAll({ filter });
    await new Promise<void>((resolve) => hard.on('caughtUp', () => resolve()));
    await hard.unsubscribe();

    expect(await client().appendToStream(stream, testEvents(1))).toMatchObject({ success: true });
  });

  test('with an interval of nothing is refused', async () => {
    const listener = listen(server.rawClient(), ofLog('start', filterBy('mine-', 1, 0)));

    expect((await listener.ended).code).toBe(status.UNKNOWN);
  });

  test.each([
    ['prefixes of types', (key: string) => eventTypeFilter({ prefixes: [`${key}-wanted`] })],
    ['an expression for types', (key: string) => eventTypeFilter({ regex: `^${key}-want.*$` })],
    ['prefixes of streams', (key: string) => streamNameFilter({ prefixes: [`wanted-${key}`] })],
    ['an expression for streams', (key: string) => streamNameFilter({ regex: `^want.*${key}$` })],
  ])('by %s gives what passes alone', async (_name, filterOf) => {
    const key = randomUUID();
    const [wanted, other] = [`wanted-${key}`, `other-${key}`];
    const write = async () => {
      await client().appendToStream(other, testEvents(3, `${key}-other`));
      await client().appendToStream(wanted, testEvents(3, `${key}-wanted`));
    };
    await write();
    const seen: (string | undefined)[] = [];
    for await (const { event } of client().subscribeToAll({ filter: filterOf(key) })) {
      seen.push(event?.streamId);
      if (seen.length === 3) await write();
      if (seen.length === 6) break;
    }

    expect(seen).toEqual(Array(6).fill(wanted));
  });

  test('without events of the system gives checkpoints to the client', async () => {
    const reached: Position[] = [];
    const filter = excludeSystemEvents({
      checkpointInterval: 2,
      checkpointReached: (_, position) => void reached.push(position),
    });
    const position = await append(newStream(), 1);
    const listening = client().subscribeToAll({ fromPosition: position, filter });
    const stream = newStream();
    let count = 0;
    const counted = new Promise<void>((resolve) => {
      listening.on('data', () => {
        count += 1;
        if (count === 384) resolve();
      });
    });
    for (let round = 0; round < 24; round += 1) await append(stream, 16);
    await client().setStreamMetadata(stream, { maxCount: 1_000 });
    await counted;
    await listening.unsubscribe();

    // A window of 32 events, twice; one more where it has caught up.
    expect(reached.length).toBeGreaterThanOrEqual(6);
    expect(reached.length).toBeLessThanOrEqual(7);
  });
});

test('twenty subscriptions of one client do not keep it from reading', async () => {
  const one = server.rawClient();
  const listeners = Array.from({ length: 20 }, () => listen(one, ofLog('end')));
  for (const listener of listeners) await listener.until((said) => said.includes('caught up'));
  const stream = newStream();
  await append(stream, 1);
  for (const listener of listeners) {
    await listener.until((said) => said.includes(`event 0@${stream}`));
    listener.cancel();
    await listener.ended;
  }
  expect(listeners.map(({ said }) => said.length)).toEqual(Array(20).fill(3));
});
