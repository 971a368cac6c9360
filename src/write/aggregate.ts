import type { NewEvent } from '../kernel/event.ts';
import type { Position } from '../kernel/position.ts';
import type { StreamName } from '../kernel/stream-name.ts';
import type { EventStore } from './event-store.ts';

/** What became of the events of one command. */
export type Written =
  | { readonly stored: true; readonly firstRevision: number; readonly position: Position }
  /** The stream was elsewhere than believed: load it anew and decide again. */
  | { readonly stored: false };

/** The events of one command on their way into the log. */
export type Write = {
  readonly commandId: string;
  readonly events: readonly NewEvent[];
  readonly firstRevision: number;
  readonly written: Promise<Written>;
};

type Queued = Write & {
  readonly resolve: (written: Written) => void;
  readonly reject: (fault: unknown) => void;
};

/**
 * An aggregate in memory, ahead of the log by the writes under way.
 *
 *     idle --write--> writing --stored, none waiting--> idle
 *                     writing --stored, some waiting--> writing (all of those in one append)
 *                     writing --conflict or fault--> void
 *
 * While one append is under way, the commands that follow are decided on the state that it will
 * leave, and wait. So many commands on one aggregate share few appends; and when an append fails,
 * none that was decided on top of it is ever stored. A void aggregate takes no more writes.
 */
export type Aggregate = {
  readonly stream: StreamName;
  /** After all writes, also those under way. */
  readonly state: () => unknown;
  readonly revision: () => number;
  /** Without those: what the log is known to have. */
  readonly storedRevision: () => number;
  readonly isVoid: () => boolean;
  readonly isIdle: () => boolean;
  /** The write of this command, while it is under way. */
  readonly underWay: (commandId: string) => Write | undefined;
  /** Settles as the newest write under way does; undefined when there is none. */
  readonly newest: () => Promise<Written> | undefined;
  /** `state` is that after the events. */
  readonly write: (commandId: string, events: readonly NewEvent[], state: unknown) => Write;
};

/** One append takes at most so many events, so that it stays within what stores accept. */
const mostEventsPerAppend = 500;

export function createAggregate(
  store: EventStore,
  stream: StreamName,
  from: { readonly state: unknown; readonly revision: number },
): Aggregate {
  let { state, revision } = from;
  let storedRevision = revision;
  let isVoid = false;
  let writing = false;
  let waiting: Queued[] = [];
  const unsettled = new Map<string, Queued>();
  let newest: Queued | undefined;

  const settle = (writes: readonly Queued[], how: (write: Queued) => void) => {
    for (const write of writes) {
      unsettled.delete(write.commandId);
      if (newest === write) newest = undefined;
      how(write);
    }
  };

  const giveUp = (batch: readonly Queued[], how: (write: Queued) => void) => {
    isVoid = true;
    const all = [...batch, ...waiting];
    waiting = [];
    settle(all, how);
  };

  const appendNext = async (): Promise<boolean> => {
    const batch = takeBatch(waiting);
    waiting = waiting.slice(batch.length);
    const events = batch.length === 1 ? (batch[0]?.events ?? []) : batch.flatMap((w) => w.events);
    try {
      const expected = storedRevision < 0 ? 'no_stream' : storedRevision;
      const result = await store.append(stream, expected, events);
      if (!result.appended) {
        giveUp(batch, (write) => write.resolve({ stored: false }));
        return false;
      }
      const base = storedRevision + 1;
      storedRevision = result.revision;
      settle(batch, ({ firstRevision, events: own, resolve }) => {
        const last = firstRevision + own.length - 1;
        const position = result.positions?.[last - base] ?? result.position;
        resolve({ stored: true, firstRevision, position });
      });
      return true;
    } catch (fault) {
      giveUp(batch, (write) => write.reject(fault));
      return false;
    }
  };

  const drain = async () => {
    writing = true;
    while (waiting.length > 0 && (await appendNext()));
    writing = false;
  };

  return {
    stream,
    state: () => state,
    revision: () => revision,
    storedRevision: () => storedRevision,
    isVoid: () => isVoid,
    isIdle: () => unsettled.size === 0,
    underWay: (commandId) => unsettled.get(commandId),
    newest: () => newest?.written,
    write: (commandId, events, after) => {
      const { promise, resolve, reject } = Promise.withResolvers<Written>();
      const write = {
        commandId,
        events,
        firstRevision: revision + 1,
        written: promise,
        resolve,
        reject,
      };
      if (isVoid) {
        resolve({ stored: false });
        return write;
      }
      state = after;
      revision += events.length;
      waiting.push(write);
      unsettled.set(commandId, write);
      newest = write;
      if (!writing) void drain();
      return write;
    },
  };
}

function takeBatch(waiting: readonly Queued[]): readonly Queued[] {
  let events = 0;
  let count = 0;
  for (const write of waiting) {
    events += write.events.length;
    if (count > 0 && events > mostEventsPerAppend) break;
    count += 1;
  }
  return waiting.slice(0, count);
}
