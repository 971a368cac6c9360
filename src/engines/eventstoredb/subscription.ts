import { START } from '@eventstore/db-client';
import type { RecordedEvent } from '../../kernel/event.ts';
import { comparePositions, type Position, start } from '../../kernel/position.ts';
import type { EventBatch, SubscribeOptions } from '../../projection/event-source.ts';
import type { ClientPool } from './clients.ts';
import { createFeed, readAhead } from './feed.ts';
import { checkBatchSize, matcher } from './reads.ts';

/** Who has reached so often what was the end is at the end: it moves on while it is asked for. */
const mostEnds = 5;

/**
 * A catch-up subscription to everything. What a filter wants is chosen here: a filtered one tells its
 * position only now and then, and not at all at a tail where nothing passes, while a view has to
 * know that it is as far as a token says (docs/adr/0014).
 *
 * The client does not connect again: this throws, and the caller subscribes from its checkpoint.
 *
 * head: of the log, asked when it seems to be reached
 */
export async function* subscribe(
  pool: ClientPool,
  head: () => Promise<{ readonly position: Position }>,
  options: SubscribeOptions,
): AsyncGenerator<EventBatch, void, void> {
  const { signal } = options;
  const batchSize = checkBatchSize(options.batchSize);
  const isWanted = matcher(options.filter);
  if (signal.aborted) return;
  let at: Position = options.after ?? start;
  let end = start;
  let ends = 0;
  const isAtEnd = async () => {
    if (comparePositions(at, end) < 0) return false;
    // In a log that others write to all the time no answer would ever be in time.
    if (ends === mostEnds) return true;
    ends += 1;
    end = (await head()).position;
    return comparePositions(at, end) >= 0;
  };
  let live = await isAtEnd();
  // Before anything is waited for: there may be nothing to come.
  if (live) yield { events: [], position: at, live };
  const { client, release } = pool.lease();
  const subscription = client.subscribeToAll(
    { fromPosition: at.commit < 0n ? START : at },
    { highWaterMark: readAhead },
  );
  const feed = createFeed(subscription, signal);
  try {
    while (await feed.wait()) {
      const events: RecordedEvent[] = [];
      let moved = at;
      while (events.length < batchSize) {
        const event = feed.next();
        if (event === undefined) break;
        // The server may begin with the event at the position.
        if (comparePositions(event.position, moved) <= 0) continue;
        moved = event.position;
        if (isWanted(event)) events.push(event);
      }
      if (moved === at) continue;
      at = moved;
      // Nothing waiting here may still mean something on its way: who was behind asks.
      live = feed.isEmpty() && (live || (await isAtEnd()));
      yield { events, position: at, live };
    }
  } finally {
    release();
    await feed.close();
  }
}
