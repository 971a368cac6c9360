import { randomUUID } from 'node:crypto';
import { beforeAll, describe, expect, test } from '@jest/globals';
import type { ReadOptions } from '../../src/write/event-store.ts';
import type { EventStoreUnderTest } from '../contract/event-store-contract.ts';
import { collect, freshStream, idsOf, sampleEvent, sampleEvents } from './event-log-samples.ts';

const revisions = (from: number, to: number) => {
  const step = from <= to ? 1 : -1;
  return Array.from({ length: Math.abs(to - from) + 1 }, (_, index) => from + index * step);
};

/** Part of the event store contract: `read`, `findByCausation`, `keepNewest`. */
export function describeStreams(log: EventStoreUnderTest): void {
  describe('read', () => {
    const stream = freshStream();
    beforeAll(async () => {
      // Neighbours, so that a stream does not simply lie in one piece.
      for (let n = 0; n < 12; n += 1) {
        await log.store.append(stream, 'any', sampleEvents(100));
        await log.store.append(freshStream(), 'any', sampleEvents(10));
      }
    });

    const cases: [options: ReadOptions | undefined, expected: number[]][] = [
      [undefined, revisions(0, 1199)],
      [{ direction: 'forwards', from: 1190 }, revisions(1190, 1199)],
      [{ from: 1190, limit: 3 }, revisions(1190, 1192)],
      [{ from: 1, limit: 700 }, revisions(1, 700)],
      [{ from: 1200 }, []],
      [{ limit: 0 }, []],
      [{ direction: 'backwards' }, revisions(1199, 0)],
      [{ direction: 'backwards', limit: 1 }, [1199]],
      [{ direction: 'backwards', from: 5 }, revisions(5, 0)],
      [{ direction: 'backwards', from: 700, limit: 600 }, revisions(700, 101)],
    ];
    test.each(cases)('%j', async (options, expected) => {
      const events = await collect(log.store.read(stream, options));
      expect(events.map(({ revision }) => revision)).toEqual(expected);
    });

    test('the source reads the same', async () => {
      expect(await collect(log.source.readStream(stream))).toEqual(
        await collect(log.store.read(stream)),
      );
    });

    test('yields nothing for a stream that is not there', async () => {
      expect(await collect(log.store.read(freshStream()))).toEqual([]);
      expect(await collect(log.store.read(freshStream(), { direction: 'backwards' }))).toEqual([]);
      expect(await collect(log.source.readStream(freshStream()))).toEqual([]);
    });

    test('can be left in the middle', async () => {
      for await (const event of log.store.read(stream)) if (event.revision === 600) break;
      expect((await log.store.append(stream, 1199, [sampleEvent()])).appended).toBe(true);
    });
  });

  describe('findByCausation', () => {
    test('gives the events of a command, in order, after 10,000 later events', async () => {
      const stream = freshStream();
      const causation = randomUUID();
      await log.store.append(stream, 'no_stream', sampleEvents(3));
      const events = sampleEvents(5, { causation });
      await log.store.append(stream, 2, events);
      for (let n = 0; n < 20; n += 1) await log.store.append(stream, 'any', sampleEvents(500));
      const found = await log.store.findByCausation(stream, causation);
      expect(idsOf(found)).toEqual(idsOf(events));
      expect(found.map(({ revision }) => revision)).toEqual([3, 4, 5, 6, 7]);
      await log.reopen();
      expect(await log.store.findByCausation(stream, causation)).toEqual(found);
    });

    test('keeps streams and commands apart', async () => {
      const [one, two] = [freshStream(), freshStream()];
      const [a, b] = [randomUUID(), randomUUID()];
      const first = sampleEvents(2, { causation: a });
      const second = sampleEvents(2, { causation: b });
      const elsewhere = sampleEvents(1, { causation: a });
      // Two commands in one append, and one command on two streams.
      await log.store.append(one, 'no_stream', [...first, ...second]);
      await log.store.append(two, 'no_stream', elsewhere);
      const find = async (stream: string, id: string) =>
        idsOf(await log.store.findByCausation(stream, id));
      expect(await find(one, a)).toEqual(idsOf(first));
      expect(await find(one, b)).toEqual(idsOf(second));
      expect(await find(two, a)).toEqual(idsOf(elsewhere));
      expect(await find(two, b)).toEqual([]);
      expect(await find(one, randomUUID())).toEqual([]);
      expect(await find(freshStream(), a)).toEqual([]);
    });

    test('finds what a command has stored in several appends', async () => {
      const stream = freshStream();
      const causation = randomUUID();
      const batches = [2, 1, 3].map((count) => sampleEvents(count, { causation }));
      const [first = [], next = [], later = []] = batches;
      await log.store.append(stream, 'no_stream', first);
      await log.store.append(stream, 1, next);
      await log.store.append(stream, 2, sampleEvents(2));
      await log.store.append(stream, 4, later);
      expect(idsOf(await log.store.findByCausation(stream, causation))).toEqual(
        idsOf(batches.flat()),
      );
    });

    test.each(['import 7: "ä"', 'A'.repeat(40), '0'])('takes any text as an id: %s', async (id) => {
      const stream = freshStream();
      const events = sampleEvents(30, { causation: id });
      await log.store.append(stream, 'no_stream', [sampleEvent(), ...events, sampleEvent()]);
      expect(idsOf(await log.store.findByCausation(stream, id))).toEqual(idsOf(events));
    });

    test('finds nothing for events without one', async () => {
      const stream = freshStream();
      await log.store.append(stream, 'no_stream', [{ ...sampleEvent(), metadata: {} }]);
      expect(await log.store.findByCausation(stream, '')).toEqual([]);
      expect(await log.store.findByCausation(stream, 'undefined')).toEqual([]);
    });
  });

  describe('keepNewest', () => {
    test('lets go of older events, at once and with every append, also after a restart', async () => {
      const stream = freshStream();
      const kept = async (options?: ReadOptions) =>
        (await collect(log.store.read(stream, options))).map(({ revision }) => revision);
      await log.store.append(stream, 'no_stream', sampleEvents(10));
      await log.store.keepNewest(stream, 3);
      expect(await kept()).toEqual([7, 8, 9]);
      await log.store.append(stream, 9, sampleEvents(2));
      expect(await kept()).toEqual([9, 10, 11]);
      await log.reopen();
      await log.store.append(stream, 11, [sampleEvent()]);
      expect(await kept({ direction: 'backwards' })).toEqual([12, 11, 10]);
      expect(await kept({ from: 2, limit: 2 })).toEqual([10, 11]);
      expect(await log.store.append(stream, 11, [sampleEvent()])).toMatchObject({ actual: 12 });
      await log.store.append(stream, 12, sampleEvents(8));
      expect(await kept()).toEqual([18, 19, 20]);
    });

    test('holds for a stream that comes later, and for no other', async () => {
      const [stream, other] = [freshStream(), freshStream()];
      await log.store.keepNewest(stream, 1);
      for (let n = 0; n < 3; n += 1) {
        await log.store.append(stream, n === 0 ? 'no_stream' : n - 1, [sampleEvent(n)]);
        await log.store.append(other, 'any', [sampleEvent(n)]);
      }
      expect((await collect(log.store.read(stream))).map((event) => event.data)).toEqual([
        { n: 2 },
      ]);
      expect(await collect(log.store.read(other))).toHaveLength(3);
    });

    test('lets go of thousands', async () => {
      const stream = freshStream();
      for (let n = 0; n < 5; n += 1) await log.store.append(stream, 'any', sampleEvents(1_000));
      await log.store.keepNewest(stream, 2);
      const left = await collect(log.store.read(stream));
      expect(left.map(({ revision }) => revision)).toEqual([4998, 4999]);
    });
  });
}
