import {
  type AllStreamSubscription,
  type EventStoreDBClient,
  eventTypeFilter,
  START,
  streamNameFilter,
} from '@eventstore/db-client';
import type { RecordedEvent } from '../../kernel/event.ts';
import { StoreFault } from '../../kernel/fault.ts';
import { latest, type Position } from '../../kernel/position.ts';
import type { EventFilter } from '../../projection/event-source.ts';
import { toRecordedEvent } from './events.ts';

/** Events in the order of the log, and up to where nothing else is wanted. */
export type Chunk = { readonly events: readonly RecordedEvent[]; readonly position: Position };

const readAhead = 512;
/** Windows of 32 events that the server looks at before it tells how far it is. */
const windowsPerCheckpoint = 100;
/** A server before 23.10 does not say that it has reached the end. */
const mostSilentMs = 1_000;

/**
 * The log after a position as a filter of the server lets it pass. It may pass more than is wanted:
 * types that begin like one that is. It ends somewhere before the end of the log, when the server
 * has no more to say for the moment: what follows has to be read without a filter (docs/adr/0014).
 */
export async function* readSifted(
  client: EventStoreDBClient,
  after: Position,
  wanted: EventFilter,
): AsyncGenerator<Chunk, void, void> {
  let looked = after;
  const settings = {
    checkpointInterval: windowsPerCheckpoint,
    checkpointReached: (_: AllStreamSubscription, position: Position) => {
      looked = position;
    },
  };
  const filter =
    'types' in wanted
      ? eventTypeFilter({ ...settings, prefixes: [...wanted.types] })
      : streamNameFilter({ ...settings, prefixes: [...wanted.streamPrefixes] });
  const subscription = client.subscribeToAll(
    { fromPosition: after.commit < 0n ? START : after, filter },
    { highWaterMark: readAhead },
  );
  let failure: unknown;
  let isAtEnd = false;
  let wake = () => {};
  const awaken = () => wake();
  subscription.on('readable', awaken);
  const fail = (error: unknown) => {
    failure ??= error;
    wake();
  };
  subscription.on('error', fail);
  subscription.on('end', () => fail(ended('the server ended it')));
  subscription.on('close', () => fail(ended('its connection closed')));
  subscription.on('caughtUp', () => {
    isAtEnd = true;
    wake();
  });
  let at = after;
  try {
    for (;;) {
      const wasAtEnd = isAtEnd;
      const events: RecordedEvent[] = [];
      for (let item = subscription.read(); item !== null; item = subscription.read()) {
        if (item.event !== undefined) events.push(toRecordedEvent(item.event));
      }
      // What the server has looked at before is all here.
      const position = latest(latest(at, looked), events.at(-1)?.position ?? at);
      if (position !== at) yield { events, position };
      at = position;
      if (subscription.readableLength > 0) continue;
      if (failure !== undefined) throw failure;
      if (wasAtEnd || !(await waits())) return;
    }
  } finally {
    subscription.off('readable', awaken);
    subscription.off('error', fail);
    subscription.on('error', () => {});
    await subscription.unsubscribe();
    // A stream that is full never ends.
    subscription.resume();
  }

  /** Until something has come; false when nothing does. */
  async function waits(): Promise<boolean> {
    const { promise, resolve } = Promise.withResolvers<boolean>();
    const timer = setTimeout(resolve, mostSilentMs, false);
    wake = () => resolve(true);
    if (subscription.readableLength > 0 || isAtEnd || failure !== undefined) resolve(true);
    try {
      return await promise;
    } finally {
      clearTimeout(timer);
      wake = () => {};
    }
  }
}

function ended(how: string): StoreFault {
  return new StoreFault('STORE_UNAVAILABLE', `the read of the log ended: ${how}`);
}
