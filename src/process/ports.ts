import type { NewEvent, RecordedEvent } from '../kernel/event.ts';
import type { Position } from '../kernel/position.ts';
import type { Rejection } from '../kernel/rejection.ts';
import type { StreamName } from '../kernel/stream-name.ts';
import type { Command, Receipt } from './state.ts';

/**
 * Where processes are kept: the event store, as the write side has it. `append` stores all of its
 * events or none, durably, or says that the stream is elsewhere; a repeat with the same event ids and
 * the same expected revision answers what it answered first. Faults reject.
 */
export type ProcessStore = {
  readonly append: (
    stream: StreamName,
    expected: number | 'no_stream' | 'any',
    events: readonly NewEvent[],
  ) => Promise<
    | { readonly appended: true; readonly revision: number }
    | { readonly appended: false; readonly actual: number }
  >;
  readonly read: (
    stream: StreamName,
    options?: {
      readonly direction?: 'forwards' | 'backwards';
      readonly from?: number;
      readonly limit?: number;
    },
  ) => AsyncIterable<RecordedEvent>;
  readonly keepNewest: (stream: StreamName, maxCount: number) => Promise<void>;
};

/** Events in the order of the log; everything up to `position` that was asked for is delivered. */
export type ProcessBatch = {
  readonly events: readonly RecordedEvent[];
  readonly position: Position;
  readonly live: boolean;
};

/** The log, followed by types of events. */
export type ProcessSource = {
  /** For ever: what is there, then what comes. Ends with the signal, throws where the store is away. */
  readonly subscribe: (options: {
    readonly after: Position;
    readonly filter: { readonly types: readonly string[] };
    readonly signal: AbortSignal;
  }) => AsyncIterable<ProcessBatch>;
  /** What is there. */
  readonly readAll: (options: {
    readonly after: Position;
    readonly filter: { readonly types: readonly string[] };
    readonly signal?: AbortSignal;
  }) => AsyncIterable<ProcessBatch>;
  readonly head: () => Promise<{ readonly position: Position }>;
};

/** A command on its way to the command bus. */
export type OutgoingCommand = Command & {
  /** The process: everything that comes of the command is found by it. */
  readonly correlationId: string;
  /** The event of the process that decided it. */
  readonly causedBy: string;
};

/**
 * The command bus. The same command id never takes effect twice, and a repeat gets the first receipt.
 * A fault rejects: whether the command took effect is unknown then.
 */
export type SendCommand = (
  command: OutgoingCommand,
  signal: AbortSignal,
) => Promise<Receipt | Rejection>;
