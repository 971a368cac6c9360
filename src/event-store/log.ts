/** An event as a client of EventStoreDB sends it: bytes, and whether it calls them JSON. */
export type NewWireEvent = {
  /** A UUID in lower case. */
  readonly id: string;
  readonly type: string;
  readonly isJson: boolean;
  readonly data: Uint8Array;
  /** Empty where the client sent none. */
  readonly metadata: Uint8Array;
};

export type WireEvent = NewWireEvent & {
  readonly stream: string;
  /** 0 is the first of its stream; `tombstone` that of the event that ends a stream for good. */
  readonly revision: number;
  /** 1 is the first of the log. */
  readonly position: number;
  /** Milliseconds since 1970, by the store's clock. */
  readonly storedAt: number;
};

/** The revision of the event that deletes a stream for good. On the wire it is 2^63 - 1. */
export const tombstone = Number.MAX_SAFE_INTEGER;

export type Direction = 'forwards' | 'backwards';

/** Which events of the log: those whose type, or whose stream's name, passes. */
export type WireFilter = {
  readonly on: 'type' | 'stream';
  readonly passes: (name: string) => boolean;
};

export type Page = {
  readonly events: readonly WireEvent[];
  /** There may be more within the bounds that were asked for. */
  readonly isCut: boolean;
};

export type StreamPageRequest = {
  readonly stream: string;
  readonly direction: Direction;
  /** Bounds of revisions, inclusive. */
  readonly first: number;
  readonly last: number;
  readonly limit: number;
};

export type AllPageRequest = {
  readonly direction: Direction;
  /** Bounds of positions, inclusive. */
  readonly first: number;
  readonly last: number;
  readonly limit: number;
  readonly filter: WireFilter | undefined;
};

/** The log as it is at one moment. Everything is synchronous, and valid only while `run` runs. */
export type LogView = {
  /** The revision of the newest event, -1 where there is none. */
  readonly lastRevision: (stream: string) => number;
  readonly newest: (stream: string) => WireEvent | undefined;
  readonly eventAt: (stream: string, revision: number) => WireEvent | undefined;
};

export type ReadView = LogView & {
  /** The position of the last event, 0 for none. */
  readonly head: () => number;
  readonly streamPage: (request: StreamPageRequest) => Page;
  readonly allPage: (request: AllPageRequest) => Page;
};

export type WriteView = LogView & {
  /** Where an event was written, if it was of late: ids of long ago are forgotten. */
  readonly find: (id: string) => Written | undefined;
  /** Gives the positions of the events. They follow one another from the revision on. */
  readonly insert: (stream: string, revision: number, events: readonly NewWireEvent[]) => number[];
};

export type Written = {
  readonly stream: string;
  readonly revision: number;
  readonly position: number;
};

/**
 * The port of the protocol server to its log.
 *
 * - `write` is durable when it resolves; what `run` has inserted is stored as a whole or not at all.
 *   `run` may be called more than once, and calls of others may share its commit. `size`: how many
 *   events it writes, about.
 * - `read` shows one moment of the log, which is never before a write that has resolved.
 * - `moved` resolves when there are events after the position, or the signal aborts.
 * - A store that cannot answer rejects with a StoreFault.
 */
export type WireLog = {
  readonly write: <T>(size: number, run: (view: WriteView) => T) => Promise<T>;
  readonly read: <T>(run: (view: ReadView) => T) => Promise<T>;
  readonly moved: (after: number, signal: AbortSignal) => Promise<void>;
  readonly [Symbol.asyncDispose]: () => Promise<void>;
};
