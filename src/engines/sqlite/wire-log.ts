import type { ReadView, WireLog } from '../../event-store/log.ts';
import { StoreFault } from '../../kernel/fault.ts';
import { toStoreFault } from './database.ts';
import { createCommitQueue } from './event-log-queue.ts';
import { openForReading, openForWriting } from './event-log-schema.ts';
import { createTail } from './event-log-tail.ts';
import { createReadView } from './wire-log-views.ts';
import { createWireWriter } from './wire-log-writer.ts';

export type SqliteWireLogOptions = {
  /** The file of the embedded event log: both may have it open at once. */
  readonly path: string;
  readonly synchronous?: 'FULL' | 'NORMAL';
  /** How long a write waits for other writing processes, then STORE_BUSY. 5,000 by default. */
  readonly patienceMs?: number;
  /** The size at which writes fail with STORE_FULL instead of filling the disk. None by default. */
  readonly maxBytes?: number;
};

const readPatienceMs = 5_000;
const pauseMs = 5;

/**
 * The embedded event log as the protocol server wants it. Made where it is not there.
 *
 * @throws StoreFault
 */
export function createSqliteWireLog(options: SqliteWireLogOptions): WireLog {
  const { path, synchronous = 'FULL', patienceMs = 5_000, maxBytes } = options;
  const writing = openForWriting(path, { synchronous, maxBytes });
  const reading = openForReading(path);
  const writer = createWireWriter(writing);
  const readView = createReadView(reading);
  const atOneMoment = reading.transaction((run: (view: ReadView) => unknown) => run(readView));
  const whatRead = `cannot read ${path}`;
  const tail = createTail(whatRead, readView.head);
  const queue = createCommitQueue({
    what: `cannot append to ${path}`,
    transaction: writer,
    patienceMs,
    onCommit: tail.wake,
  });

  /** The lock is held for a moment when another process repairs what a killed one has left. */
  async function read<T>(run: (view: ReadView) => T): Promise<T> {
    const until = performance.now() + readPatienceMs;
    for (;;) {
      try {
        return atOneMoment(run) as T;
      } catch (error) {
        const fault = toStoreFault(error, whatRead);
        if (fault.code !== 'STORE_BUSY' || performance.now() > until) throw fault;
      }
      await new Promise((resolve) => setTimeout(resolve, pauseMs));
    }
  }

  async function close(): Promise<void> {
    await queue.close();
    tail.fail(new StoreFault('STORE_CLOSED', `${whatRead}: it is closed`));
    reading.close();
    writing.close();
  }

  return {
    write: (size, run) => queue.submit(size, () => run(writer.view)),
    read,
    moved: tail.moved,
    [Symbol.asyncDispose]: close,
  };
}
