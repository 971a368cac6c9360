import type { NewEvent, RecordedEvent } from '../kernel/event.ts';
import type { Position } from '../kernel/position.ts';
import type { StreamName } from '../kernel/stream-name.ts';

/** The revision that a stream has to be at: an exact one, or a condition. */
export type ExpectedRevision = number | 'no_stream' | 'stream_exists' | 'any';

export type AppendResult =
  | {
      readonly appended: true;
      readonly revision: number;
      readonly position: Position;
      /** The position of each event of the call, in order, where the store tells. */
      readonly positions?: readonly Position[];
    }
  /** The stream was elsewhere; nothing was stored. -1 is "no stream". */
  | { readonly appended: false; readonly actual: number };

export type ReadOptions = {
  readonly direction?: 'forwards' | 'backwards';
  /** Revision of the first event, inclusive; the start or, backwards, the end by default. */
  readonly from?: number;
  /** How many at most; all by default. */
  readonly limit?: number;
};

/**
 * The write side's port to the event store, the only one that can append.
 *
 * - `append` is durable when it resolves, and stores all of its events or none. Concurrent calls may
 *   share a commit. Repeating a call with the same event ids and the same exact (or `no_stream`)
 *   expected revision, after it has succeeded, answers what it answered first. `position` and
 *   `revision` are those of the last event of the call.
 * - `read` of a stream that is not there yields nothing.
 * - `findByCausation` gives the events that a command has stored on a stream, in order, or an empty
 *   list. It costs no more on a long stream, and little when there is nothing. `atLeast` is a
 *   revision: events after it may be missed, which costs a store without an index less. For who
 *   appends at that revision, and so learns of what was missed.
 * - A store that cannot answer rejects with a StoreFault; nothing of that append is stored then, or
 *   the fault says that it is unknown.
 */
export type EventStore = {
  readonly append: (
    stream: StreamName,
    expected: ExpectedRevision,
    events: readonly NewEvent[],
  ) => Promise<AppendResult>;
  readonly read: (stream: StreamName, options?: ReadOptions) => AsyncIterable<RecordedEvent>;
  readonly findByCausation: (
    stream: StreamName,
    causationId: string,
    atLeast?: number,
  ) => Promise<readonly RecordedEvent[]>;
  /**
   * Keep only the newest `maxCount` events of the stream (EventStoreDB's `$maxCount`). Older ones may
   * go at once or later, and are no longer read. For snapshots and for logs that are bounded.
   */
  readonly keepNewest: (stream: StreamName, maxCount: number) => Promise<void>;
  readonly [Symbol.asyncDispose]: () => Promise<void>;
};
