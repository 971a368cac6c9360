import {
  BACKWARDS,
  END,
  type EventStoreDBClient,
  FORWARDS,
  START,
  type StreamingRead,
  StreamNotFoundError,
} from '@eventstore/db-client';
import type { RecordedEvent } from '../../kernel/event.ts';
import { comparePositions, type Position, start } from '../../kernel/position.ts';
import type { StreamName } from '../../kernel/stream-name.ts';
import type { EventBatch, EventFilter, ReadAllOptions } from '../../projection/event-source.ts';
import type { ReadOptions } from '../../write/event-store.ts';
import { closedFault, createGate } from './clients.ts';
import { isBlockStream } from './command-blocks.ts';
import { toRecordedEvent } from './events.ts';
import { toStoreFault } from './faults.ts';

const defaultBatchSize = 500;

/** Reads of one connection. They stop when the reader stops asking: nothing runs ahead. */
export function createReads(client: EventStoreDBClient) {
  const gate = createGate();
  let isClosed = false;

  async function* read(
    stream: StreamName,
    options: ReadOptions = {},
  ): AsyncGenerator<RecordedEvent, void, void> {
    const { direction = 'forwards', limit = Number.MAX_SAFE_INTEGER } = options;
    if (isClosed) throw closedFault();
    if (limit < 1) return;
    const isForwards = direction === 'forwards';
    await gate.enter();
    const reading = client.readStream(stream, {
      direction: isForwards ? FORWARDS : BACKWARDS,
      fromRevision: options.from === undefined ? (isForwards ? START : END) : BigInt(options.from),
      maxCount: Math.min(limit, Number.MAX_SAFE_INTEGER),
    });
    try {
      for await (const { event } of itemsOf(reading))
        if (event !== undefined) yield toRecordedEvent(event);
    } catch (error) {
      if (error instanceof StreamNotFoundError) return;
      throw toStoreFault(error, `cannot read ${stream}`);
    } finally {
      gate.leave();
      await leave(reading);
    }
  }

  /** Everything, also what is nobody's business but the store's, from a position on. */
  async function* readRaw(
    from: Position | undefined,
    direction: 'forwards' | 'backwards',
    maxCount?: number,
  ): AsyncGenerator<RecordedEvent, void, void> {
    if (isClosed) throw closedFault();
    const isForwards = direction === 'forwards';
    await gate.enter();
    const reading = client.readAll({
      direction: isForwards ? FORWARDS : BACKWARDS,
      fromPosition: from ?? (isForwards ? START : END),
      ...(maxCount !== undefined && { maxCount }),
    });
    try {
      for await (const { event } of itemsOf(reading)) {
        if (event !== undefined) yield toRecordedEvent(event);
      }
    } catch (error) {
      throw toStoreFault(error, 'cannot read the log');
    } finally {
      gate.leave();
      await leave(reading);
    }
  }

  async function* readAll(options: ReadAllOptions = {}): AsyncGenerator<EventBatch, void, void> {
    const { direction = 'forwards', limit = Number.POSITIVE_INFINITY, after, signal } = options;
    const batchSize = checkBatchSize(options.batchSize);
    const isWanted = matcher(options.filter);
    const isForwards = direction === 'forwards';
    if (limit < 1 || signal?.aborted) return;
    if (!isForwards && after !== undefined && after.commit < 0n) return;
    const end = isForwards ? (await head()).position : undefined;
    const from = after === undefined || after.commit < 0n ? undefined : after;
    let at: Position = after ?? start;
    let events: RecordedEvent[] = [];
    let left = limit;
    for await (const event of readRaw(from, direction)) {
      const order = from === undefined ? 1 : comparePositions(event.position, from);
      if (isForwards ? order <= 0 : from !== undefined && order >= 0) continue;
      if (end !== undefined && comparePositions(event.position, end) > 0) break;
      at = event.position;
      if (!isWanted(event)) continue;
      events.push(event);
      left -= 1;
      if (events.length < batchSize && left > 0) continue;
      const live = end !== undefined && comparePositions(at, end) >= 0;
      yield { events, position: at, live };
      events = [];
      if (left <= 0 || signal?.aborted) return;
    }
    if (events.length > 0) yield { events, position: at, live: isForwards };
  }

  /** The last record of the log, whosever it is: no batch of a subscription is after it. */
  async function head(): Promise<{ position: Position; storedAt: number }> {
    for await (const event of readRaw(undefined, 'backwards', 1)) {
      return { position: event.position, storedAt: event.storedAt };
    }
    return { position: start, storedAt: 0 };
  }

  async function close(): Promise<void> {
    isClosed = true;
    await client.dispose();
  }

  return { read, readAll, head, close };
}

/** What the views may be told of: neither the store's own events, nor this engine's. */
export function matcher(filter: EventFilter | undefined): (event: RecordedEvent) => boolean {
  const isOurs = ({ stream, type }: RecordedEvent) =>
    !type.startsWith('$') && !stream.startsWith('$') && !isBlockStream(stream);
  if (filter === undefined) return isOurs;
  if ('types' in filter) {
    const types = new Set(filter.types);
    return (event) => types.has(event.type) && isOurs(event);
  }
  const { streamPrefixes } = filter;
  return (event) =>
    isOurs(event) && streamPrefixes.some((prefix) => event.stream.startsWith(prefix));
}

export function checkBatchSize(size = defaultBatchSize): number {
  if (!Number.isInteger(size) || size < 1) throw new RangeError(`batches of ${size} events`);
  return size;
}

/** Left in the middle, it stays whole: destroyed, it would not take what is still to come. */
function itemsOf<Item>(reading: StreamingRead<Item>): AsyncIterable<Item> {
  return reading.iterator({ destroyOnReturn: false });
}

/** A stream that is full never ends: what is still in it goes nowhere. */
async function leave(reading: StreamingRead<unknown>): Promise<void> {
  reading.on('error', () => {});
  await reading.cancel();
  reading.resume();
}
