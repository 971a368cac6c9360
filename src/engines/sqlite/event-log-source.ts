import { setImmediate as nextTurn } from 'node:timers/promises';
import { StoreFault } from '../../kernel/fault.ts';
import { type Position, position, start } from '../../kernel/position.ts';
import type {
  EventBatch,
  EventSource,
  ReadAllOptions,
  SubscribeOptions,
} from '../../projection/event-source.ts';
import { type SqliteDatabase, toStoreFault } from './database.ts';
import { createHeadReader, createPages, type Page } from './event-log-pages.ts';
import { blockSize } from './event-log-schema.ts';
import { createStreamReader } from './event-log-streams.ts';
import { createTail } from './event-log-tail.ts';

const defaultBatchSize = 500;

/** The reading side over a connection of its own. `wake`: there may be new events. */
export function createSource(database: SqliteDatabase): EventSource & { wake: () => void } {
  const what = `cannot read ${database.name}`;
  const readHead = createHeadReader(database);
  const statements = prepareStatements(database);
  const streams = createStreamReader(database);
  const tail = createTail(what, readHead);

  async function* subscribe(options: SubscribeOptions): AsyncGenerator<EventBatch, void, void> {
    const { filter, signal } = options;
    const batchSize = checkBatchSize(options.batchSize);
    const pages = asked(() => createPages(database, filter));
    let at = toNumber(options.after ?? start);
    let live = false;
    while (!signal.aborted) {
      const head = asked(readHead);
      if (head > at) {
        const page = asked(() => pages.forwards(at, head, batchSize));
        at = page.to;
        live = page.isLast;
        yield toBatch(page, live);
        // A consumer that never waits for anything would keep everything else waiting.
        if (!live) await nextTurn();
      } else if (!live) {
        live = true;
        yield { events: [], position: toPosition(at), live };
      } else {
        await tail.moved(at, signal);
      }
    }
  }

  async function* readAll(options: ReadAllOptions = {}): AsyncGenerator<EventBatch, void, void> {
    const { direction = 'forwards', limit = Number.POSITIVE_INFINITY, filter, signal } = options;
    const batchSize = checkBatchSize(options.batchSize);
    const isForwards = direction === 'forwards';
    const head = asked(readHead);
    const first = isForwards ? start : toPosition(head + 1);
    let at = toNumber(options.after ?? first);
    if (!isForwards) at = Math.min(at, head + 1);
    const isDone = () => (isForwards ? at >= head : at <= 1);
    const pages = asked(() => createPages(database, filter));
    for (let left = limit; left > 0 && !isDone() && signal?.aborted !== true; ) {
      const most = Math.min(batchSize, left);
      const page = asked(() =>
        isForwards ? pages.forwards(at, head, most) : pages.backwards(at, most),
      );
      at = page.to;
      left -= page.events.length;
      yield toBatch(page, isForwards && page.isLast);
      await nextTurn();
    }
  }

  async function head(): Promise<{ position: Position; storedAt: number }> {
    const last = asked(() => statements.last.get());
    if (last === undefined) return { position: start, storedAt: 0 };
    return { position: toPosition(last.position), storedAt: last.storedAt };
  }

  async function countAfter(after: Position): Promise<number> {
    const at = toNumber(after);
    const block = Math.floor(at / blockSize);
    const end = (block + 1) * blockSize - 1;
    return asked(() => statements.count.get({ at, block, end })) ?? 0;
  }

  function asked<T>(run: () => T): T {
    try {
      return run();
    } catch (error) {
      throw toStoreFault(error, what);
    }
  }

  async function close(): Promise<void> {
    tail.fail(new StoreFault('STORE_CLOSED', `${what}: it is closed`));
    database.close();
  }

  return {
    subscribe,
    readAll,
    readStream: (stream, from) => streams.read(stream, from === undefined ? {} : { from }),
    head,
    countAfter,
    wake: tail.wake,
    [Symbol.asyncDispose]: close,
  };
}

function prepareStatements(database: SqliteDatabase) {
  return {
    last: database.prepare<[], { position: number; storedAt: number }>(`
      SELECT position, stored_at AS storedAt FROM events ORDER BY position DESC LIMIT 1`),
    // Counted to the end of the position's block; from there on all positions less the removed ones.
    count: database
      .prepare<{ at: number; block: number; end: number }, number>(`
        SELECT (SELECT count(*) FROM events WHERE position > :at AND position <= :end)
          + max(0, (SELECT coalesce(max(position), 0) FROM events) - :end)
          - (SELECT coalesce(sum(count), 0) FROM removed WHERE block > :block)`)
      .pluck(),
  };
}

function toBatch(page: Page, live: boolean): EventBatch {
  return { events: page.events, position: toPosition(page.to), live };
}

/** The first event is at 1; 0 is before it. */
function toNumber(at: Position): number {
  return at.commit < 0n ? 0 : Math.min(Number(at.commit), Number.MAX_SAFE_INTEGER);
}

function toPosition(at: number): Position {
  return at === 0 ? start : position(BigInt(at));
}

function checkBatchSize(size = defaultBatchSize): number {
  if (!Number.isInteger(size) || size < 1) throw new RangeError(`batches of ${size} events`);
  return size;
}
