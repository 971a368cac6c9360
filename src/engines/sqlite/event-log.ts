import type { EventSource } from '../../projection/event-source.ts';
import type { EventStore } from '../../write/event-store.ts';
import { toStoreFault } from './database.ts';
import { createCommitQueue } from './event-log-queue.ts';
import { checkName, encodeEvents } from './event-log-rows.ts';
import { openForReading, openForWriting } from './event-log-schema.ts';
import { createSource } from './event-log-source.ts';
import { createStreamReader } from './event-log-streams.ts';
import { createWriter } from './event-log-writer.ts';

export type SqliteEventLogOptions = {
  /** The file; beside it SQLite keeps one with -wal and one with -shm at its end. */
  readonly path: string;
  /** NORMAL: the last commits may be lost with the power, though not with the process. */
  readonly synchronous?: 'FULL' | 'NORMAL';
  /** How long an append waits for other writing processes, then STORE_BUSY. 5,000 by default. */
  readonly patienceMs?: number;
  /** The size at which appends fail with STORE_FULL instead of filling the disk. None by default. */
  readonly maxBytes?: number;
};

/**
 * An event log in a SQLite file, for writing and reading. Several processes may have it open. Made
 * where it is not there.
 *
 * @throws StoreFault
 */
export function createSqliteEventLog(options: SqliteEventLogOptions): EventStore & EventSource {
  const { path, synchronous = 'FULL', patienceMs = 5_000, maxBytes } = options;
  const database = openForWriting(path, { synchronous, maxBytes });
  const writer = createWriter(database);
  const streams = createStreamReader(database);
  const source = createSqliteEventSource({ path });
  const queue = createCommitQueue({
    what: `cannot append to ${path}`,
    transaction: writer,
    patienceMs,
    onCommit: source.wake,
  });

  const append: EventStore['append'] = async (stream, expected, events) => {
    checkExpected(expected);
    const encoded = encodeEvents(stream, events);
    return queue.submit(encoded.length, () => writer.append(stream, expected, encoded));
  };

  const keepNewest: EventStore['keepNewest'] = async (stream, maxCount) => {
    checkName('stream', stream);
    if (!Number.isInteger(maxCount) || maxCount < 1) {
      throw new RangeError(`${stream} cannot keep the newest ${maxCount} events`);
    }
    while (await queue.submit(1, () => writer.keepNewest(stream, maxCount))) {
      // The rest of a long stream, in transactions of their own.
    }
  };

  async function close(): Promise<void> {
    await queue.close();
    await source[Symbol.asyncDispose]();
    database.close();
  }

  return {
    ...source,
    append,
    read: streams.read,
    findByCausation: streams.findByCausation,
    keepNewest,
    [Symbol.asyncDispose]: close,
  };
}

/**
 * The log for reading only. Made, empty, where it is not there: a projector may start first.
 *
 * @throws StoreFault
 */
export function createSqliteEventSource(
  options: Pick<SqliteEventLogOptions, 'path'>,
): EventSource & { readonly wake: () => void } {
  try {
    return createSource(openForReading(options.path));
  } catch (error) {
    throw toStoreFault(error, `cannot open ${options.path}`);
  }
}

function checkExpected(expected: unknown): void {
  if (typeof expected !== 'number') return;
  if (!Number.isInteger(expected) || expected < -1) {
    throw new RangeError(`no stream is ever at revision ${expected}`);
  }
}
