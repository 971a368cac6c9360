import { randomUUID } from 'node:crypto';
import { beforeAll, describe, expect, test } from '@jest/globals';
import type { RecordedEvent } from '../../src/kernel/event.ts';
import { comparePositions, type Position } from '../../src/kernel/position.ts';
import type { EventFilter } from '../../src/projection/event-source.ts';
import type { EventStoreUnderTest } from '../contract/event-store-contract.ts';
import {
  areIncreasing,
  collect,
  collectEvents,
  freshStream,
  idsOf,
  sampleEvent,
  sampleEvents,
} from './event-log-samples.ts';

/** Part of the event store contract: `readAll`, `head`, `countAfter`. */
export function describeLog(log: EventStoreUnderTest): void {
  describe('readAll', () => {
    const tag = randomUUID().slice(0, 8);
    const types = [`test.v1.A${tag}`, `test.v1.B${tag}`, `test.v1.C${tag}`];
    // Of these, a prefix that is taken for a pattern, or without regard to case, matches too many.
    const prefixes = [`a${tag}-`, `a${tag}_b-`, `a${tag}%b-`, `A${tag}-`, `ä${tag}-`, `a${tag}xb-`];
    let before: Position;
    let all: RecordedEvent[];
    beforeAll(async () => {
      before = (await log.source.head()).position;
      for (let n = 0; n < 300; n += 1) {
        const stream = `${prefixes[n % prefixes.length]}${n % 7}`;
        const type = types[n % types.length] ?? '';
        await log.store.append(stream, 'any', sampleEvents(1 + (n % 4), { type }));
      }
      all = await collectEvents(log.source.readAll({ after: before }));
    });

    test('gives every event once, in the order of positions', async () => {
      expect(all).toHaveLength(750);
      expect(areIncreasing(all.map(({ position }) => position))).toBe(true);
      const streams = [...new Set(all.map(({ stream }) => stream))];
      for (const stream of streams) {
        const own = all.filter((event) => event.stream === stream);
        expect(own).toEqual(await collect(log.store.read(stream)));
      }
    });

    const filters: [name: string, EventFilter, (event: RecordedEvent) => boolean][] = [
      ['a type', { types: types.slice(0, 1) }, ({ type }) => type === types[0]],
      ['types', { types: types.slice(1) }, ({ type }) => type !== types[0]],
      ['a type that is not there', { types: ['test.v1.Never'] }, () => false],
      ['no types', { types: [] }, () => false],
      ['no prefixes', { streamPrefixes: [] }, () => false],
      ...prefixes.map((prefix): [string, EventFilter, (event: RecordedEvent) => boolean] => [
        `streams ${prefix}`,
        { streamPrefixes: [prefix] },
        ({ stream }) => stream.startsWith(prefix),
      ]),
      [
        'streams of two prefixes',
        { streamPrefixes: prefixes.slice(0, 2) },
        ({ stream }) => prefixes.slice(0, 2).some((prefix) => stream.startsWith(prefix)),
      ],
    ];
    test.each(filters)('lets pass only %s', async (_, filter, passes) => {
      const options = { after: before, filter, batchSize: 50 };
      const passed = await collectEvents(log.source.readAll(options));
      expect(idsOf(passed)).toEqual(idsOf(all.filter(passes)));
    });

    test('goes on after a position, exclusive, and stops at a limit', async () => {
      const after = all[99]?.position ?? before;
      const some = await collectEvents(log.source.readAll({ after, limit: 120, batchSize: 50 }));
      expect(idsOf(some)).toEqual(idsOf(all.slice(100, 220)));
    });

    test('goes backwards from the end, or before a position', async () => {
      const options = { direction: 'backwards', batchSize: 64 } as const;
      const newest = await collectEvents(log.source.readAll({ ...options, limit: 100 }));
      expect(idsOf(newest)).toEqual(idsOf(all.slice(-100).reverse()));
      const after = all[200]?.position ?? before;
      const older = await collectEvents(log.source.readAll({ ...options, after, limit: 150 }));
      expect(idsOf(older)).toEqual(idsOf(all.slice(50, 200).reverse()));
    });

    test('filters backwards too', async () => {
      const filter = { types: types.slice(0, 1) };
      const options = { direction: 'backwards', filter } as const;
      const passed = await collectEvents(log.source.readAll(options));
      const expected = all.filter(({ type }) => type === types[0]);
      expect(idsOf(passed)).toEqual(idsOf(expected.reverse()));
    });

    test('says with each batch up to where it is, so that the next reader can go on', async () => {
      const filter = { types: types.slice(0, 1) };
      const seen: RecordedEvent[] = [];
      for (let after = before, isMore = true; isMore; ) {
        isMore = false;
        for await (const batch of log.source.readAll({ after, filter, batchSize: 30 })) {
          expect(batch.events.length).toBeLessThanOrEqual(30);
          expect(comparePositions(batch.position, after)).toBeGreaterThan(0);
          seen.push(...batch.events);
          after = batch.position;
          isMore = true;
          break;
        }
      }
      expect(idsOf(seen)).toEqual(idsOf(all.filter(({ type }) => type === types[0])));
    });

    test('ends when it is aborted', async () => {
      const abort = new AbortController();
      let batches = 0;
      for await (const _ of log.source.readAll({ batchSize: 10, signal: abort.signal })) {
        batches += 1;
        abort.abort();
      }
      expect(batches).toBe(1);
      const aborted = AbortSignal.abort();
      expect(await collect(log.source.readAll({ signal: aborted }))).toEqual([]);
    });

    test('gives nothing after the head', async () => {
      const { position } = await log.source.head();
      expect(await collectEvents(log.source.readAll({ after: position }))).toEqual([]);
    });
  });

  test('head is the last event', async () => {
    const result = await log.store.append(freshStream(), 'no_stream', sampleEvents(2));
    const head = await log.source.head();
    expect(head.position).toEqual(result.appended && result.position);
    expect(Math.abs(head.storedAt - Date.now())).toBeLessThan(60_000);
  });

  test('countAfter is exact, where it is known', async () => {
    const { position } = await log.source.head();
    const count = await log.source.countAfter(position);
    expect([0, undefined]).toContain(count);
    await log.store.append(freshStream(), 'no_stream', [sampleEvent(), sampleEvent()]);
    expect([2, undefined]).toContain(await log.source.countAfter(position));
  });
}
