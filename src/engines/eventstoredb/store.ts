import type { RecordedEvent } from '../../kernel/event.ts';
import type { StreamName } from '../../kernel/stream-name.ts';
import type { EventSource } from '../../projection/event-source.ts';
import type { EventStore } from '../../write/event-store.ts';
import { createAppend } from './appends.ts';
import { closedFault, openAppender, openClient } from './clients.ts';
import { createCommandIndex } from './command-index.ts';
import { causationOf, checkName } from './events.ts';
import { toStoreFault } from './faults.ts';
import { createReads } from './reads.ts';
import { subscribe } from './subscription.ts';

export type EventStoreDbOptions = {
  /** `esdb://…` or `esdb+discover://…`: also says TLS, credentials, keep-alive, node preference. */
  readonly connectionString: string;
  /** How long a try to append waits for its answer. 5,000 by default. */
  readonly appendTimeoutMs?: number;
  /** How long an append is tried again while it is unknown what became of it. 15,000 by default. */
  readonly appendPatienceMs?: number;
  /** How many commands are remembered, some 30 bytes each. 2,000,000 by default. */
  readonly rememberedCommands?: number;
};

/** EventStoreDB for writing. @throws StoreFault for a connection string that cannot be read */
export function createEventStoreDb(options: EventStoreDbOptions): EventStore {
  const { connectionString } = options;
  const appender = openAppender(connectionString);
  const reads = createReads(openClient(connectionString));
  const append = createAppend(appender.client, reads.read, {
    timeoutMs: options.appendTimeoutMs ?? 5_000,
    patienceMs: options.appendPatienceMs ?? 15_000,
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
  ): Promise<RecordedEvent[]> {
    const found: RecordedEvent[] = [];
    for (const start of await commands.find(stream, causationId)) {
      const last = found.at(-1);
      if (last !== undefined && start <= last.revision) continue;
      for await (const event of reads.read(stream, { from: start })) {
        if (causationOf(event.metadata) !== causationId) break;
        found.push(event);
      }
    }
    return found;
  }

  async function keepNewest(stream: StreamName, maxCount: number): Promise<void> {
    checkName('stream', stream);
    if (!Number.isInteger(maxCount) || maxCount < 1) {
      throw new RangeError(`${stream} cannot keep the newest ${maxCount} events`);
    }
    if (isClosed) throw closedFault();
    try {
      const { metadata } = await appender.client.getStreamMetadata(stream);
      if (metadata?.maxCount === maxCount) return;
      await appender.client.setStreamMetadata(stream, { ...metadata, maxCount });
    } catch (error) {
      throw toStoreFault(error, `cannot keep the newest events of ${stream}`);
    }
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
  const reads = createReads(openClient(options.connectionString));
  // Subscriptions have a connection of their own: one that breaks takes no read with it.
  const subscriber = openClient(options.connectionString);
  const closed = new AbortController();
  return {
    subscribe: (wanted) => {
      if (closed.signal.aborted) throw closedFault();
      return subscribe(subscriber, reads.head, {
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
      await subscriber.dispose();
    },
  };
}
