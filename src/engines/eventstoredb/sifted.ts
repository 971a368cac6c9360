import {
  type AllStreamSubscription,
  type EventStoreDBClient,
  eventTypeFilter,
  START,
  streamNameFilter,
} from '@eventstore/db-client';
import type { RecordedEvent } from '../../kernel/event.ts';
import { latest, type Position } from '../../kernel/position.ts';
import type { EventFilter } from '../../projection/event-source.ts';
import { createFeed, readAhead } from './feed.ts';

/** Events in the order of the log, and up to where nothing else is wanted. */
export type Chunk = { readonly events: readonly RecordedEvent[]; readonly position: Position };

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
  const stop = new AbortController();
  subscription.on('caughtUp', () => stop.abort());
  const feed = createFeed(subscription, stop.signal);
  let at = after;
  try {
    for (let isOver = false; !isOver; ) {
      isOver = stop.signal.aborted;
      const events: RecordedEvent[] = [];
      while (!feed.isEmpty()) {
        const event = feed.next();
        if (event !== undefined) events.push(event);
      }
      // What the server has looked at before is all here.
      const position = latest(latest(at, looked), events.at(-1)?.position ?? at);
      if (position !== at) yield { events, position };
      at = position;
      const silence = setTimeout(() => stop.abort(), mostSilentMs);
      try {
        await feed.wait();
      } finally {
        clearTimeout(silence);
      }
    }
  } finally {
    await feed.close();
  }
}
