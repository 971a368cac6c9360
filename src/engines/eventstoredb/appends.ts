import { setTimeout as delay } from 'node:timers/promises';
import {
  ANY,
  type AppendExpectedRevision,
  type AppendResult as ClientResult,
  NO_STREAM,
  STREAM_EXISTS,
  WrongExpectedVersionError,
} from '@eventstore/db-client';
import type { NewEvent } from '../../kernel/event.ts';
import { StoreFault } from '../../kernel/fault.ts';
import { position } from '../../kernel/position.ts';
import type { StreamName } from '../../kernel/stream-name.ts';
import type { AppendResult, EventStore, ExpectedRevision } from '../../write/event-store.ts';
import type { Appender } from './clients.ts';
import { checkName, toEventData } from './events.ts';
import { isAmbiguous, needsNewClient, toStoreFault } from './faults.ts';

export type AppendOptions = {
  /** For one try; the store may have taken it all the same. */
  readonly timeoutMs: number;
  /** For all tries of one append. */
  readonly patienceMs: number;
};

const firstPauseMs = 20;
const longestPauseMs = 1_000;

class AppendTimedOut extends Error {
  override readonly name = 'AppendTimedOut';
}

/**
 * Appends, each until it is known what became of it. A try that ends without an answer is repeated
 * with the same ids at the same expected revision, which takes effect once at most. Where any
 * revision is expected there is nothing that would keep it from happening twice: that is not
 * repeated, and the fault says that it is unknown.
 */
export function createAppend(
  appender: Pick<Appender, 'client' | 'renew'>,
  read: EventStore['read'],
  { timeoutMs, patienceMs }: AppendOptions,
): EventStore['append'] {
  const attempt = async (
    stream: StreamName,
    expected: ExpectedRevision,
    events: ReturnType<typeof toEventData>[],
  ): Promise<ClientResult> => {
    const { promise, resolve, reject } = Promise.withResolvers<ClientResult>();
    const timer = setTimeout(() => reject(new AppendTimedOut('no answer in time')), timeoutMs);
    const expectedRevision = toExpected(expected);
    const client = appender.client();
    // When the time is over nobody waits for it.
    client.appendToStream(stream, events, { expectedRevision }).then(resolve, reject);
    try {
      return await promise;
    } catch (error) {
      if (needsNewClient(error)) appender.renew(client);
      throw error;
    } finally {
      clearTimeout(timer);
    }
  };

  const append: EventStore['append'] = async (stream, expected, events) => {
    checkName('stream', stream);
    checkExpected(expected);
    if (events.length === 0) throw new RangeError(`no events to append to ${stream}`);
    const data = events.map(toEventData);
    const canRepeat = typeof expected === 'number' || expected === 'no_stream';
    const deadline = performance.now() + patienceMs;
    for (let pauseMs = firstPauseMs; ; pauseMs = Math.min(longestPauseMs, 2 * pauseMs)) {
      try {
        const answer = await attempt(stream, expected, data);
        return resultOf(answer) ?? (await doubtful(answer, stream, expected, events));
      } catch (error) {
        if (error instanceof WrongExpectedVersionError) {
          return await conflict(actualRevision(error), stream, expected, events);
        }
        const what = `cannot append to ${stream}`;
        if (!(error instanceof AppendTimedOut || isAmbiguous(error))) {
          throw toStoreFault(error, what);
        }
        if (!canRepeat || performance.now() + pauseMs > deadline) throw unknown(error, what);
      }
      await delay(pauseMs * (0.5 + Math.random()));
    }
  };

  const doubtful = async (
    { success, nextExpectedRevision }: ClientResult,
    stream: StreamName,
    expected: ExpectedRevision,
    events: readonly NewEvent[],
  ): Promise<AppendResult> => {
    // With throwOnAppendFailure=false the client tells of a conflict, but of a wrong revision.
    if (!success) return conflict(await revisionOf(stream), stream, expected, events);
    const revision = Number(nextExpectedRevision);
    const first = revision - events.length + 1;
    return (await repeated(stream, first, events)) ?? { appended: false, actual: revision };
  };

  /** The stream was elsewhere: because it was so before, or because an earlier try took effect. */
  const conflict = async (
    actual: number,
    stream: StreamName,
    expected: ExpectedRevision,
    events: readonly NewEvent[],
  ): Promise<AppendResult> => {
    if (typeof expected === 'number' || expected === 'no_stream') {
      const first = expected === 'no_stream' ? 0 : expected + 1;
      const before = actual >= first ? await repeated(stream, first, events) : undefined;
      if (before !== undefined) return before;
    }
    return { appended: false, actual };
  };

  const revisionOf = async (stream: StreamName): Promise<number> => {
    for await (const { revision } of read(stream, { direction: 'backwards', limit: 1 })) {
      return revision;
    }
    return -1;
  };

  const repeated = async (
    stream: StreamName,
    first: number,
    events: readonly NewEvent[],
  ): Promise<AppendResult | undefined> => {
    let count = 0;
    for await (const stored of read(stream, { from: first, limit: events.length })) {
      if (stored.id !== events[count]?.id || stored.revision !== first + count) return undefined;
      count += 1;
      if (count === events.length) {
        return { appended: true, revision: stored.revision, position: stored.position };
      }
    }
    return undefined;
  };

  return append;
}

/** undefined of a conflict, and after a repetition: the store may not say where the events are. */
function resultOf(answer: ClientResult): AppendResult | undefined {
  const { success, nextExpectedRevision, position: at } = answer;
  if (!success || at === undefined || at.commit < 0n) return undefined;
  const revision = Number(nextExpectedRevision);
  return { appended: true, revision, position: position(at.commit, at.prepare) };
}

function unknown(error: unknown, what: string): StoreFault {
  const { message } = toStoreFault(error, what);
  const told = `${message}; whether the events are stored is unknown`;
  return new StoreFault('STORE_UNAVAILABLE', told, { cause: error });
}

function actualRevision({ actualVersion }: WrongExpectedVersionError): number {
  return typeof actualVersion === 'bigint' ? Number(actualVersion) : -1;
}

function toExpected(expected: ExpectedRevision): AppendExpectedRevision {
  if (expected === 'any') return ANY;
  if (expected === 'no_stream' || expected === -1) return NO_STREAM;
  if (expected === 'stream_exists') return STREAM_EXISTS;
  return BigInt(expected);
}

function checkExpected(expected: ExpectedRevision): void {
  if (typeof expected !== 'number') return;
  if (!Number.isInteger(expected) || expected < -1) {
    throw new RangeError(`no stream is ever at revision ${expected}`);
  }
}
