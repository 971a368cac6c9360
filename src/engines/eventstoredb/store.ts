import { randomUUID } from 'node:crypto';
import type { RecordedEvent } from '../../kernel/event.ts';
import { StoreFault } from '../../kernel/fault.ts';
import type { StreamName } from '../../kernel/stream-name.ts';
import type { EventSource } from '../../projection/event-source.ts';
import type { EventStore } from '../../write/event-store.ts';
import { createAppend } from './appends.ts';
import { closedFault, createClientPool, deadlineMsOf, openAppender } from './clients.ts';
import { createCommandIndex } from './command-index.ts';
import { causationOf, checkName } from './events.ts';
import { createReads } from './reads.ts';
import { subscribe } from './subscription.ts';

export type EventStoreDbOptions = {
  /** `esdb://…` or `esdb+discover://…`: also says TLS, credentials, keep-alive, node preference. */
  readonly connectionString: string;
  /** How long a try to append waits for its answer. The connection string's defaultDeadline. */
  readonly appendTimeoutMs?: number;
  /**
   * How long an append is tried again while it is unknown what became of it. 25,000 by default:
   * longer than the client takes to find that a connection is dead.
   */
  readonly appendPatienceMs?: number;
  /** How many commands are remembered, some 30 bytes each. 2,000,000 by default. */
  readonly rememberedCommands?: number;
};

const mostAttempts = 5;
const smallestPage = 8;
const largestPage = 512;

/** EventStoreDB for writing. @throws StoreFault for a connection string that cannot be read */
export function createEventStoreDb(options: EventStoreDbOptions): EventStore {
  const { connectionString } = options;
  const appender = openAppender(connectionString);
  const reads = createReads(createClientPool(connectionString));
  const append = createAppend(appender, reads.read, {
    timeoutMs: options.appendTimeoutMs ?? deadlineMsOf(connectionString),
    patienceMs: options.appendPatienceMs ?? 25_000,
  });
  const commands = createCommandIndex(
    { read: reads.read, append },
    { entries: options.rememberedCommands ?? 2_000_000 },
  );
  let isClosed = false;

  async function* read(
    stream: StreamName,
    options: Parameters<EventStore['read']>[1] = {},
  ): AsyncGenerator<RecordedEvent, void, void> {
    for await (const event of reads.read(stream, options)) {
      commands.onRead(event);
      yield event;
    }
  }

  async function findByCausation(
    stream: StreamName,
    causationId: string,
    atLeast?: number,
  ): Promise<RecordedEvent[]> {
    const found: RecordedEvent[] = [];
    for (const start of await commands.find(stream, causationId, atLeast)) {
      const last = found.at(-1);
      if (last !== undefined && start <= last.revision) continue;
      for await (const event of inPages(stream, start)) {
        if (causationOf(event.metadata) !== causationId) break;
        found.push(event);
      }
    }
    return found;
  }

  /** Few at first: most commands have few events, and a read that is called off has its price. */
  async function* inPages(stream: StreamName, start: number): AsyncGenerator<RecordedEvent> {
    let from = start;
    for (let limit = smallestPage; ; limit = Math.min(largestPage, 8 * limit)) {
      const end = from + limit;
      for await (const event of reads.read(stream, { from, limit })) {
        from = event.revision + 1;
        yield event;
      }
      if (from < end) return;
    }
  }

  async function keepNewest(stream: StreamName, maxCount: number): Promise<void> {
    checkName('stream', stream);
    if (!Number.isInteger(maxCount) || maxCount < 1) {
      throw new RangeError(`${stream} cannot keep the newest ${maxCount} events`);
    }
    if (isClosed) throw closedFault();
    // What else the stream's metadata say, such as who may read it, stays.
    const metadataStream = `$$${stream}`;
    for (let attempt = 1; attempt <= mostAttempts; attempt += 1) {
      const before = await newestOf(metadataStream);
      if (before?.data.$maxCount === maxCount) return;
      const data = { ...before?.data, $maxCount: maxCount };
      const event = { id: randomUUID(), type: '$metadata', data, metadata: {} };
      const expected = before?.revision ?? 'no_stream';
      if ((await append(metadataStream, expected, [event])).appended) return;
    }
    throw new StoreFault('STORE_BUSY', `the metadata of ${stream} is written to by too many`);
  }

  async function newestOf(stream: StreamName): Promise<RecordedEvent | undefined> {
    const newest = { direction: 'backwards', limit: 1 } as const;
    for await (const event of reads.read(stream, newest)) return event;
    return undefined;
  }

  return {
    append: async (stream, expected, events) => {
      if (isClosed) throw closedFault();
      const result = await append(stream, expected, events);
      commands.onAppended(stream, events, result);
      return result;
    },
    read,
    findByCausation,
    keepNewest,
    [Symbol.asyncDispose]: async () => {
      if (isClosed) return;
      isClosed = true;
      await commands[Symbol.asyncDispose]();
      await reads.close();
      await appender.close();
    },
  };
}

/** EventStoreDB for reading alone. */
export function createEventStoreDbSource(
  options: Pick<EventStoreDbOptions, 'connectionString'>,
): EventSource {
  // Subscriptions have connections of their own: one that breaks takes no read with it.
  const subscribers = createClientPool(options.connectionString);
  const reads = createReads(createClientPool(options.connectionString), subscribers);
  const closed = new AbortController();
  return {
    subscribe: (wanted) => {
      if (closed.signal.aborted) throw closedFault();
      return subscribe(subscribers, reads.head, {
        ...wanted,
        signal: AbortSignal.any([wanted.signal, closed.signal]),
      });
    },
    readAll: reads.readAll,
    readStream: (stream, from) => reads.read(stream, from === undefined ? {} : { from }),
    head: reads.head,
    // The store has no cheap answer: lag is told in seconds.
    countAfter: async () => undefined,
    [Symbol.asyncDispose]: async () => {
      closed.abort();
      await reads.close();
      await subscribers.close();
    },
  };
}
