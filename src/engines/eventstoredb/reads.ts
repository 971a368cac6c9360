import {
  type AllStreamResolvedEvent,
  BACKWARDS,
  END,
  type EventStoreDBClient,
  FORWARDS,
  type ResolvedEvent,
  START,
  StreamNotFoundError,
} from '@eventstore/db-client';
import type { RecordedEvent } from '../../kernel/event.ts';
import { isAfter, latest, type Position, start } from '../../kernel/position.ts';
import type { StreamName } from '../../kernel/stream-name.ts';
import type { EventBatch, EventFilter, ReadAllOptions } from '../../projection/event-source.ts';
import type { ReadOptions } from '../../write/event-store.ts';
import { type ClientPool, closedFault } from './clients.ts';
import { isBlockStream } from './command-blocks.ts';
import { toRecordedEvent } from './events.ts';
import { toStoreFault } from './faults.ts';
import { readAhead } from './feed.ts';
import { type Chunk, readSifted } from './sifted.ts';

type Reading = ReturnType<EventStoreDBClient['readStream'] | EventStoreDBClient['readAll']>;

const defaultBatchSize = 500;
/** What is still to come of a read is let come rather than called off where it is no more than this. */
const fewEvents = 1_000;
/** So many events are read without a filter before one is asked for. */
const notFar = 5_000;

/**
 * They stop when the reader stops asking: nothing runs ahead.
 *
 * sifting: connections for filters, which are subscriptions
 */
export function createReads(pool: ClientPool, sifting: ClientPool = pool) {
  let isClosed = false;

  /** The events of a read that is made when the first ones are asked for, as they come. */
  async function* chunksOf(
    what: string,
    most: number,
    begin: (client: EventStoreDBClient) => Reading,
  ): AsyncGenerator<readonly RecordedEvent[], void, void> {
    if (isClosed) throw closedFault();
    const { client, release } = pool.lease();
    const reading = begin(client);
    let left = most;
    try {
      for await (const items of arrivalsOf(reading)) {
        left -= items.length;
        yield items.flatMap(({ event }) => (event === undefined ? [] : toRecordedEvent(event)));
      }
      left = 0;
      // A client that is closed ends its reads as if everything had come.
      if (isClosed) throw closedFault();
    } catch (error) {
      left = 0;
      if (error instanceof StreamNotFoundError) return;
      throw toStoreFault(error, what);
    } finally {
      release();
      await leave(reading, left <= fewEvents);
    }
  }

  function read(
    stream: StreamName,
    { direction = 'forwards', from, limit = Number.MAX_SAFE_INTEGER }: ReadOptions = {},
  ): AsyncGenerator<RecordedEvent, void, void> {
    if (limit < 1) return nothing();
    const isForwards = direction === 'forwards';
    const maxCount = Math.min(limit, Number.MAX_SAFE_INTEGER);
    const chunks = chunksOf(`cannot read ${stream}`, maxCount, (client) =>
      client.readStream(stream, {
        direction: isForwards ? FORWARDS : BACKWARDS,
        fromRevision: from === undefined ? (isForwards ? START : END) : BigInt(from),
        maxCount,
      }),
    );
    return flat(chunks);
  }

  /** Everything, also what is nobody's business but the store's, from a position on. */
  function readRaw(
    from: Position | undefined,
    direction: 'forwards' | 'backwards',
    maxCount = Number.MAX_SAFE_INTEGER,
  ): AsyncGenerator<readonly RecordedEvent[], void, void> {
    const isForwards = direction === 'forwards';
    return chunksOf('cannot read the log', maxCount, (client) =>
      client.readAll(
        {
          direction: isForwards ? FORWARDS : BACKWARDS,
          fromPosition: from ?? (isForwards ? START : END),
          maxCount,
        },
        { highWaterMark: readAhead },
      ),
    );
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
    let reached: Position = after ?? start;
    const isPassed = (at: Position) =>
      isForwards ? !isAfter(at, reached) : from !== undefined && !isAfter(from, at);
    const chunks =
      end !== undefined && options.filter !== undefined && limit === Number.POSITIVE_INFINITY
        ? siftedChunks(from, end, options.filter)
        : chunksFrom(from, direction);
    let events: RecordedEvent[] = [];
    let left = limit;
    let isOver = false;
    for await (const chunk of chunks) {
      for (const event of chunk.events) {
        if (isPassed(event.position)) continue;
        isOver = end !== undefined && isAfter(event.position, end);
        if (isOver) break;
        reached = event.position;
        if (!isWanted(event)) continue;
        events.push(event);
        left -= 1;
        if (events.length < batchSize && left > 0) continue;
        const live = end !== undefined && !isAfter(end, reached);
        yield { events, position: reached, live };
        events = [];
        if (left <= 0 || signal?.aborted) return;
      }
      if (isOver) break;
      if (isForwards) reached = latest(reached, chunk.position);
    }
    if (events.length > 0) yield { events, position: reached, live: isForwards };
  }

  async function* chunksFrom(
    from: Position | undefined,
    direction: 'forwards' | 'backwards',
  ): AsyncGenerator<Chunk, void, void> {
    for await (const events of readRaw(from, direction)) {
      const last = events.at(-1);
      if (last !== undefined) yield { events, position: last.position };
    }
  }

  /**
   * Whoever is not far behind reads everything: a filter has to be told where it ends. So does who
   * has nearly reached the end.
   */
  async function* siftedChunks(
    from: Position | undefined,
    end: Position,
    filter: EventFilter,
  ): AsyncGenerator<Chunk, void, void> {
    let reached = from;
    let looked = 0;
    for await (const chunk of chunksFrom(from, 'forwards')) {
      yield chunk;
      reached = chunk.position;
      looked += chunk.events.length;
      if (looked >= notFar) break;
    }
    if (looked < notFar || reached === undefined) return;
    const { client, release } = sifting.lease();
    try {
      for await (const chunk of readSifted(client, reached, filter)) {
        yield chunk;
        reached = chunk.position;
        if (!isAfter(end, reached)) return;
      }
    } catch (error) {
      throw toStoreFault(error, 'cannot read the log');
    } finally {
      release();
    }
    yield* chunksFrom(reached, 'forwards');
  }

  /** The last record of the log, whosever it is: no batch of a subscription is after it. */
  async function head(): Promise<{ position: Position; storedAt: number }> {
    for await (const event of flat(readRaw(undefined, 'backwards', 1))) {
      return { position: event.position, storedAt: event.storedAt };
    }
    return { position: start, storedAt: 0 };
  }

  async function close(): Promise<void> {
    isClosed = true;
    await pool.close();
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

async function* nothing(): AsyncGenerator<never, void, void> {}

export function checkBatchSize(size = defaultBatchSize): number {
  if (!Number.isInteger(size) || size < 1) throw new RangeError(`batches of ${size} events`);
  return size;
}

async function* flat<Item>(
  chunks: AsyncIterable<readonly Item[]>,
): AsyncGenerator<Item, void, void> {
  for await (const chunk of chunks) yield* chunk;
}

type Arrival = ResolvedEvent | AllStreamResolvedEvent;

/** All that is there at a time: to wait for each alone takes longer than to make it. */
async function* arrivalsOf(reading: Reading): AsyncGenerator<readonly Arrival[], void, void> {
  let failure: unknown;
  let isOver = false;
  let wake = () => {};
  const awaken = () => wake();
  const over = (error?: unknown) => {
    failure ??= error;
    isOver = true;
    wake();
  };
  reading.on('readable', awaken);
  reading.on('error', over);
  reading.on('end', () => over());
  reading.on('close', () => over());
  try {
    for (;;) {
      const items: Arrival[] = [];
      for (let item = reading.read(); item !== null; item = reading.read()) items.push(item);
      if (items.length > 0) yield items;
      else if (isOver) break;
      else {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
    }
    if (failure !== undefined) throw failure;
  } finally {
    reading.off('readable', awaken);
  }
}

/**
 * A stream that is full never ends: what is still in it goes nowhere. It is called off only where it
 * would go on for long: a server that is built on nghttp2 takes a client that calls off more than
 * some 30 a second for an attacker, and ends its connection with all calls.
 */
async function leave(reading: Reading, endsSoon: boolean): Promise<void> {
  reading.on('error', () => {});
  if (!endsSoon) await reading.cancel();
  reading.on('readable', () => {
    while (reading.read() !== null);
  });
}
