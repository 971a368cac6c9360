import { randomUUID } from 'node:crypto';
import { causationKey, type NewEvent, type RecordedEvent } from '../../src/kernel/event.ts';
import { isAfter, type Position } from '../../src/kernel/position.ts';
import type { EventBatch } from '../../src/projection/event-source.ts';

/** An event with a number in it, of a command of its own unless one is named. */
export function sampleEvent(
  n = 0,
  { type = 'test.v1.Happened', causation = randomUUID() as string } = {},
): NewEvent {
  return { id: randomUUID(), type, data: { n }, metadata: { [causationKey]: causation } };
}

export function sampleEvents(count: number, options?: { type?: string; causation?: string }) {
  return Array.from({ length: count }, (_, n) => sampleEvent(n, options));
}

/** A stream that no other test has. */
export function freshStream(category = 'sample'): string {
  return `${category}-${randomUUID()}`;
}

export async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
}

export async function collectEvents(batches: AsyncIterable<EventBatch>): Promise<RecordedEvent[]> {
  return (await collect(batches)).flatMap((batch) => batch.events);
}

/** From a subscription: the events up to the one that `isLast` accepts. Aborts it then. */
export async function collectUntil(
  batches: AsyncIterable<EventBatch>,
  isLast: (event: RecordedEvent, count: number) => boolean,
): Promise<RecordedEvent[]> {
  const events: RecordedEvent[] = [];
  for await (const batch of batches) {
    for (const event of batch.events) {
      events.push(event);
      if (isLast(event, events.length)) return events;
    }
  }
  throw new Error(`the subscription ended after ${events.length} events`);
}

export const idsOf = (events: readonly { readonly id: string }[]) => events.map(({ id }) => id);

export function areIncreasing(positions: readonly Position[]): boolean {
  return positions.every((at, index) => {
    const before = positions[index - 1];
    return before === undefined || isAfter(at, before);
  });
}
