import type { RecordedEvent } from '../kernel/event.ts';
import type { Position } from '../kernel/position.ts';
import type { StreamName } from '../kernel/stream-name.ts';

/** Which events of the log: by full type names, or by prefixes of stream names; all by default. */
export type EventFilter =
  | { readonly types: readonly string[] }
  | { readonly streamPrefixes: readonly string[] };

/**
 * A batch of a subscription: the events in log order, and the position up to which everything that
 * passes the filter has been delivered. `events` may be empty, when only the position moved on.
 * `live` says that the end of the log was reached with it.
 */
export type EventBatch = {
  readonly events: readonly RecordedEvent[];
  readonly position: Position;
  readonly live: boolean;
};

export type SubscribeOptions = {
  /** Exclusive. The start of the log by default. */
  readonly after?: Position;
  readonly filter?: EventFilter;
  /** How many events a batch has at most. 500 by default. */
  readonly batchSize?: number;
  readonly signal: AbortSignal;
};

export type ReadAllOptions = Omit<SubscribeOptions, 'signal'> & {
  readonly direction?: 'forwards' | 'backwards';
  readonly limit?: number;
  readonly signal?: AbortSignal;
};

/**
 * The projection side's port to the event store: it can only read.
 *
 * - `subscribe` yields batches for ever: what is there, then what comes, without a gap or a double
 *   in between. It reads ahead no more than one batch (back-pressure: the consumer asks for the
 *   next). At the tail it yields within milliseconds of a commit, also one of another process. It
 *   ends when the signal aborts, and throws a StoreFault when the store goes away; the caller
 *   subscribes again from its own checkpoint.
 * - `readAll` yields what is there and ends. `after` is exclusive; backwards, it means "before".
 * - `head` is the position of the last event in the log, `start` for an empty one.
 * - `countAfter` is how many events of the log come after a position; undefined where the store
 *   cannot tell cheaply.
 * - `readStream` reads one stream forwards, from a revision on, for building one aggregate's documents
 *   again.
 */
export type EventSource = {
  readonly subscribe: (options: SubscribeOptions) => AsyncIterable<EventBatch>;
  readonly readAll: (options?: ReadAllOptions) => AsyncIterable<EventBatch>;
  readonly readStream: (stream: StreamName, from?: number) => AsyncIterable<RecordedEvent>;
  readonly head: () => Promise<{ readonly position: Position; readonly storedAt: number }>;
  readonly countAfter: (position: Position) => Promise<number | undefined>;
  readonly [Symbol.asyncDispose]: () => Promise<void>;
};
