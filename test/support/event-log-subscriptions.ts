import { setImmediate as nextTurn } from 'node:timers/promises';
import { describe, expect, test } from '@jest/globals';
import type { NewEvent, RecordedEvent } from '../../src/kernel/event.ts';
import { comparePositions, type Position } from '../../src/kernel/position.ts';
import type { EventStoreUnderTest } from '../contract/event-store-contract.ts';
import {
  areIncreasing,
  collect,
  collectUntil,
  freshStream,
  idsOf,
  sampleEvent,
  sampleEvents,
} from './event-log-samples.ts';

/** Part of the event store contract: `subscribe`. */
export function describeSubscriptions(log: EventStoreUnderTest): void {
  /** Some writers at once, each on streams of its own; the ids that were acknowledged. */
  async function write(writers: number, appends: number, events = 2): Promise<string[]> {
    const written: string[] = [];
    const run = async () => {
      const stream = freshStream();
      for (let n = 0; n < appends; n += 1) {
        const batch = sampleEvents(1 + (n % events));
        await log.store.append(stream, 'any', batch);
        written.push(...idsOf(batch));
      }
    };
    await Promise.all(Array.from({ length: writers }, run));
    return written;
  }

  const headOf = async () => (await log.source.head()).position;

  async function until(after: Position, count: number, batchSize = 500): Promise<RecordedEvent[]> {
    using abort = stopped();
    const batches = log.source.subscribe({ after, batchSize, signal: abort.signal });
    return await collectUntil(batches, (_, seen) => seen === count);
  }

  describe('subscribe', () => {
    test('under 64 writers gives every event once, in strictly increasing positions', async () => {
      const after = await headOf();
      const [events, written] = await Promise.all([until(after, 64 * 60), write(64, 40)]);
      expect(written).toHaveLength(64 * 60);
      expect(areIncreasing(events.map(({ position }) => position))).toBe(true);
      expect(idsOf(events).sort()).toEqual(written.sort());
      expect(await log.source.head()).toMatchObject({ position: events.at(-1)?.position });
    });

    test('goes live without a gap or a double while others write', async () => {
      const after = await headOf();
      const early = await write(4, 100);
      const late = write(8, 100);
      const [events, more] = await Promise.all([until(after, 600 + 1200, 7), late]);
      expect(idsOf(events).sort()).toEqual([...early, ...more].sort());
      expect(areIncreasing(events.map(({ position }) => position))).toBe(true);
    });

    test('says that it is live at the end of the log, and gives what comes then', async () => {
      const stream = freshStream();
      const after = await headOf();
      await log.store.append(stream, 'no_stream', sampleEvents(5));
      using abort = stopped();
      const next: NewEvent[] = [];
      const seen: RecordedEvent[] = [];
      for await (const batch of log.source.subscribe({
        after,
        signal: abort.signal,
        batchSize: 2,
      })) {
        seen.push(...batch.events);
        if (seen.length < 5) expect(batch.live).toBe(false);
        if (seen.length === 8) break;
        if (!batch.live || seen.length !== 5 + next.length) continue;
        const event = sampleEvent();
        next.push(event);
        await log.store.append(stream, 'any', [event]);
      }
      expect(idsOf(seen).slice(5)).toEqual(idsOf(next));
    });

    test('gives batches of at most the size asked for, one when it is asked', async () => {
      const after = await headOf();
      await write(1, 40, 1);
      using abort = stopped();
      const sizes: number[] = [];
      for await (const batch of log.source.subscribe({
        after,
        batchSize: 15,
        signal: abort.signal,
      })) {
        sizes.push(batch.events.length);
        if (batch.live) break;
        // A slow consumer: the log is longer when it asks again.
        await write(1, sizes.length === 1 ? 5 : 0, 1);
      }
      expect(Math.max(...sizes)).toBeLessThanOrEqual(15);
      expect(sizes.reduce((sum, size) => sum + size)).toBe(45);
    });

    test('moves its position on when only other events come', async () => {
      const type = `test.v1.Rare${freshStream().slice(-8)}`;
      const after = await headOf();
      using abort = stopped();
      const filter = { types: [type] };
      const rare = sampleEvent(0, { type });
      await write(2, 20);
      const target = await headOf();
      const events: RecordedEvent[] = [];
      let at = after;
      for await (const batch of log.source.subscribe({ after, filter, signal: abort.signal })) {
        expect(comparePositions(batch.position, at)).toBeGreaterThanOrEqual(0);
        events.push(...batch.events);
        at = batch.position;
        if (events.length > 0) break;
        if (comparePositions(at, target) < 0) continue;
        await log.store.append(freshStream(), 'no_stream', [rare]);
      }
      expect(idsOf(events)).toEqual([rare.id]);
      expect(comparePositions(at, events[0]?.position ?? after)).toBeGreaterThanOrEqual(0);
    });

    test('filters by the start of stream names', async () => {
      const after = await headOf();
      const [wanted, other] = [freshStream('wanted'), freshStream('other')];
      const streamPrefixes = [wanted.slice(0, -4)];
      using abort = stopped();
      const { signal } = abort;
      const batches = log.source.subscribe({ after, filter: { streamPrefixes }, signal });
      const seen = collectUntil(batches, ({ revision }) => revision === 9);
      for (let n = 0; n < 10; n += 1) {
        await log.store.append(other, 'any', [sampleEvent(n)]);
        await log.store.append(wanted, 'any', [sampleEvent(n)]);
      }
      expect(await seen).toEqual(await collect(log.store.read(wanted)));
    });

    test('goes on from the position of any batch', async () => {
      const after = await headOf();
      const written = await write(3, 30);
      const seen: string[] = [];
      let at = after;
      while (seen.length < written.length) {
        using abort = stopped();
        for await (const batch of log.source.subscribe({
          after: at,
          batchSize: 11,
          signal: abort.signal,
        })) {
          seen.push(...idsOf(batch.events));
          at = batch.position;
          if (batch.events.length > 0) break;
        }
      }
      expect(seen.sort()).toEqual(written.sort());
    });

    test('ends when it is aborted: while it waits, and before it began', async () => {
      const after = await headOf();
      const abort = new AbortController();
      const seen = collect(log.source.subscribe({ after, signal: abort.signal }));
      for (let n = 0; n < 20; n += 1) await nextTurn();
      abort.abort();
      expect((await seen).flatMap(({ events }) => events)).toEqual([]);
      const signal = AbortSignal.abort();
      expect(await collect(log.source.subscribe({ after, signal }))).toEqual([]);
    });

    test('several at once each get everything', async () => {
      const after = await headOf();
      const subscribers = [1, 10, 100].map((batchSize) => until(after, 90, batchSize));
      const written = await write(3, 20);
      for (const events of await Promise.all(subscribers)) {
        expect(idsOf(events).sort()).toEqual([...written].sort());
      }
    });
  });
}

/** Aborts at the end of the block, so that no failing test leaves a subscription behind. */
function stopped(): Disposable & { readonly signal: AbortSignal } {
  const abort = new AbortController();
  return { signal: abort.signal, [Symbol.dispose]: () => abort.abort() };
}
