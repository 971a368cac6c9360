import { randomUUID } from 'node:crypto';
import { describe, expect, test } from '@jest/globals';
import type { ExpectedRevision } from '../../src/write/event-store.ts';
import type { EventStoreUnderTest } from '../contract/event-store-contract.ts';
import { collect, freshStream, idsOf, sampleEvent, sampleEvents } from './event-log-samples.ts';

/** Part of the event store contract: `append`. */
export function describeAppending(log: EventStoreUnderTest): void {
  describe('append', () => {
    const cases: [before: number, expected: ExpectedRevision, appended: boolean][] = [
      [0, 'no_stream', true],
      [0, 'any', true],
      [0, 'stream_exists', false],
      [0, 0, false],
      [2, 'no_stream', false],
      [2, 'any', true],
      [2, 'stream_exists', true],
      [2, 0, false],
      [2, 1, true],
      [2, 2, false],
    ];
    test.each(cases)('to a stream of %i events, expecting %s: %s', async (before, expected, ok) => {
      const stream = freshStream();
      const there = sampleEvents(before);
      if (before > 0) await log.store.append(stream, 'no_stream', there);
      const events = sampleEvents(3);
      const result = await log.store.append(stream, expected, events);
      const stored = await collect(log.store.read(stream));
      expect(idsOf(stored)).toEqual(idsOf(ok ? [...there, ...events] : there));
      if (result.appended) {
        expect(result.revision).toBe(before + 2);
        expect(result.position).toEqual(stored.at(-1)?.position);
      } else {
        expect(result.actual).toBe(before - 1);
      }
      expect(result.appended).toBe(ok);
    });

    test('gives back what was stored, whole', async () => {
      const stream = freshStream();
      const before = Date.now();
      const data = {
        text: 'Grüße, 世界 🌍 \u0000 "\\\n',
        list: [1, 1.5, -0.1, true, null, { a: [] }],
      };
      const event = {
        ...sampleEvent(),
        data,
        metadata: { $correlationId: 'c', deep: { er: ['x'] } },
      };
      const result = await log.store.append(stream, 'no_stream', [event]);
      const [stored, ...more] = await collect(log.store.read(stream));
      expect(more).toEqual([]);
      const { position, storedAt, ...rest } = stored ?? {};
      expect(rest).toEqual({ ...event, stream, revision: 0 });
      expect(result).toEqual({ appended: true, revision: 0, position });
      // The store's clock may be another machine's.
      expect(Math.abs((storedAt ?? 0) - before)).toBeLessThan(60_000);
    });

    test('takes an event of a megabyte', async () => {
      const stream = freshStream();
      const event = { ...sampleEvent(), data: { text: 'é€'.repeat(200_000) } };
      expect(Buffer.byteLength(event.data.text)).toBe(1_000_000);
      await log.store.append(stream, 'no_stream', [event, sampleEvent()]);
      const [stored] = await collect(log.store.read(stream));
      expect(stored?.data).toEqual(event.data);
    });

    test('of 64 at once on one stream at one revision exactly one wins', async () => {
      const stream = freshStream();
      await log.store.append(stream, 'no_stream', [sampleEvent()]);
      const events = sampleEvents(64);
      const results = await Promise.all(
        events.map((event) => log.store.append(stream, 0, [event])),
      );
      const winners = events.filter((_, index) => results[index]?.appended);
      expect(winners).toHaveLength(1);
      for (const result of results.filter(({ appended }) => !appended)) {
        expect(result).toEqual({ appended: false, actual: 1 });
      }
      expect(idsOf(await collect(log.store.read(stream))).slice(1)).toEqual(idsOf(winners));
    });

    test('a conflict does not disturb the appends beside it', async () => {
      const streams = Array.from({ length: 20 }, () => freshStream());
      const results = await Promise.all(
        streams.map((stream, index) =>
          log.store.append(stream, index % 2 === 0 ? 'no_stream' : 7, sampleEvents(2)),
        ),
      );
      expect(results.map(({ appended }) => appended)).toEqual(streams.map((_, i) => i % 2 === 0));
      const lengths = streams.map(async (name) => (await collect(log.store.read(name))).length);
      expect(await Promise.all(lengths)).toEqual(streams.map((_, i) => (i % 2 === 0 ? 2 : 0)));
    });

    test('stores nothing where one of its events cannot be stored', async () => {
      const stream = freshStream();
      const circular: { [key: string]: never } = {};
      Object.assign(circular, { circular });
      const bad = { ...sampleEvent(), data: circular };
      const beside = freshStream();
      const settled = await Promise.allSettled([
        log.store.append(stream, 'no_stream', [sampleEvent(), bad]),
        log.store.append(beside, 'no_stream', [sampleEvent()]),
      ]);
      expect(settled.map(({ status }) => status)).toEqual(['rejected', 'fulfilled']);
      expect(await collect(log.store.read(stream))).toEqual([]);
    });

    test('is there after a restart', async () => {
      const stream = freshStream();
      const events = sampleEvents(3);
      await log.store.append(stream, 'no_stream', events);
      await log.reopen();
      expect(idsOf(await collect(log.store.read(stream)))).toEqual(idsOf(events));
      expect(await log.store.append(stream, 2, [sampleEvent()])).toMatchObject({ revision: 3 });
    });
  });

  describe('a repeated append', () => {
    test.each(['no_stream', 1] as const)(
      'expecting %s answers what it did first',
      async (expected) => {
        const stream = freshStream();
        if (expected === 1) await log.store.append(stream, 'no_stream', sampleEvents(2));
        const events = sampleEvents(3);
        const first = await log.store.append(stream, expected, events);
        expect(first.appended).toBe(true);
        expect(await log.store.append(stream, expected, events)).toEqual(first);
        await log.store.append(stream, 'any', sampleEvents(5));
        expect(await log.store.append(stream, expected, events)).toEqual(first);
        await log.reopen();
        expect(await log.store.append(stream, expected, events)).toEqual(first);
        expect(await collect(log.store.read(stream))).toHaveLength(expected === 1 ? 10 : 8);
      },
    );

    test('at the same time takes effect once', async () => {
      const stream = freshStream();
      const events = sampleEvents(2);
      const [first, ...others] = await Promise.all(
        Array.from({ length: 8 }, () => log.store.append(stream, 'no_stream', events)),
      );
      expect(first).toMatchObject({ appended: true, revision: 1 });
      for (const other of others) expect(other).toEqual(first);
      expect(await collect(log.store.read(stream))).toHaveLength(2);
    });

    test('is none with other ids, with more events, or in another order', async () => {
      const stream = freshStream();
      const [a, b] = [sampleEvent(), sampleEvent()];
      await log.store.append(stream, 'no_stream', [a, b]);
      const conflict = { appended: false, actual: 1 };
      for (const events of [[a, sampleEvent()], [{ ...a, id: randomUUID() }], [b, a]]) {
        expect(await log.store.append(stream, 'no_stream', events)).toEqual(conflict);
      }
      expect(await log.store.append(stream, 'no_stream', [a, b, sampleEvent()])).toEqual(conflict);
    });
  });
}
