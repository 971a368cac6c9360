import { setImmediate as nextTurn } from 'node:timers/promises';
import type { RecordedEvent } from '../../kernel/event.ts';
import type { StreamName } from '../../kernel/stream-name.ts';
import type { ReadOptions } from '../../write/event-store.ts';
import { type SqliteDatabase, toStoreFault } from './database.ts';
import {
  causationBytes,
  causationOf,
  columns,
  createDecoder,
  type Row,
  takePage,
} from './event-log-rows.ts';

const pageSize = 500;
const runPageSize = 20;
const patienceMs = 5_000;
const pauseMs = 5;

type Lookup = {
  readonly stream: StreamName;
  readonly causationId: string;
  readonly resolve: (found: RecordedEvent[]) => void;
  readonly reject: (fault: unknown) => void;
};

/** Reads streams over one connection, in pages: no transaction stays open between them. */
export function createStreamReader(database: SqliteDatabase) {
  const statements = prepareStatements(database);
  const decode = createDecoder(database);

  async function* read(
    stream: StreamName,
    options: ReadOptions = {},
  ): AsyncGenerator<RecordedEvent, void, void> {
    const { direction = 'forwards', limit = Number.POSITIVE_INFINITY } = options;
    const isForwards = direction === 'forwards';
    const statement = isForwards ? statements.forwards : statements.backwards;
    let next = options.from ?? (isForwards ? 0 : Number.MAX_SAFE_INTEGER);
    for (let left = limit; left > 0; ) {
      const wanted = Math.min(left, pageSize);
      const page = await settled(stream, () =>
        takePage(statement.iterate(stream, next, wanted), wanted),
      );
      for (const row of page.rows) yield decode(row, stream);
      const last = page.rows.at(-1);
      if (last === undefined || !page.isCut) return;
      left -= page.rows.length;
      next = last[1] + (isForwards ? 1 : -1);
      // Without an awaited turn, a long read by a busy reader would keep everything else waiting.
      await nextTurn();
    }
  }

  function find(stream: StreamName, causationId: string): RecordedEvent[] {
    const key = causationBytes(causationId);
    // Most commands are new: this is all that they cost.
    if (statements.isKnown.get(key) === undefined) return [];
    const found: RecordedEvent[] = [];
    const starts = statements.starts.all(key, stream);
    for (const start of starts) {
      const last = found.at(-1);
      if (last === undefined || start > last.revision) readRun(stream, start, causationId, found);
    }
    return found;
  }

  let lookups: Lookup[] = [];

  /** Look-ups of one turn share a read transaction: most of the time of one alone is its lock. */
  function findByCausation(stream: StreamName, causationId: string): Promise<RecordedEvent[]> {
    return new Promise((resolve, reject) => {
      lookups.push({ stream, causationId, resolve, reject });
      if (lookups.length === 1) queueMicrotask(lookUp);
    });
  }

  function lookUp(): void {
    const batch = lookups;
    lookups = [];
    const [first] = batch;
    if (first === undefined) return;
    const run = () => batch.map(({ stream, causationId }) => find(stream, causationId));
    settled(first.stream, batch.length === 1 ? run : database.transaction(run)).then(
      (results) => {
        for (const [index, { resolve }] of batch.entries()) resolve(results[index] ?? []);
      },
      (fault: unknown) => {
        for (const { reject } of batch) reject(fault);
      },
    );
  }

  /** The events of the command from a revision on: they follow one another. */
  function readRun(
    stream: StreamName,
    start: number,
    causationId: string,
    found: RecordedEvent[],
  ): void {
    for (let next = start; ; ) {
      const page = takePage(statements.forwards.iterate(stream, next, runPageSize), runPageSize);
      for (const row of page.rows) {
        const event = decode(row, stream);
        if (causationOf(event.metadata) !== causationId) return;
        found.push(event);
        next = event.revision + 1;
      }
      if (!page.isCut) return;
    }
  }

  /** The lock is held for a moment when another process repairs what a killed one has left. */
  async function settled<T>(stream: StreamName, run: () => T): Promise<T> {
    const until = performance.now() + patienceMs;
    for (;;) {
      try {
        return run();
      } catch (error) {
        const fault = toStoreFault(error, `cannot read ${stream} from ${database.name}`);
        if (fault.code !== 'STORE_BUSY' || performance.now() > until) throw fault;
      }
      await new Promise((resolve) => setTimeout(resolve, pauseMs));
    }
  }

  return { read, findByCausation };
}

function prepareStatements(database: SqliteDatabase) {
  const ofStream = 'FROM events AS e WHERE e.stream = (SELECT id FROM streams WHERE name = ?)';
  return {
    forwards: database
      .prepare<[string, number, number], Row>(
        `SELECT ${columns} ${ofStream} AND e.revision >= ? ORDER BY e.revision LIMIT ?`,
      )
      .raw(),
    backwards: database
      .prepare<[string, number, number], Row>(
        `SELECT ${columns} ${ofStream} AND e.revision <= ? ORDER BY e.revision DESC LIMIT ?`,
      )
      .raw(),
    isKnown: database
      .prepare<[Buffer], number>('SELECT 1 FROM events WHERE causation = ? LIMIT 1')
      .pluck(),
    starts: database
      .prepare<[Buffer, string], number>(`
        SELECT e.revision FROM events AS e INDEXED BY events_by_causation
        WHERE e.causation = ? AND e.stream = (SELECT id FROM streams WHERE name = ?)
        ORDER BY e.revision`)
      .pluck(),
  };
}
