import { setImmediate as nextTurn } from 'node:timers/promises';
import { isAfter, latest, type Position } from '../kernel/position.ts';
import { applyWork, type Target } from './apply.ts';
import type { Decode, DecodedEvent } from './decode.ts';
import type { EventBatch, EventSource } from './event-source.ts';
import type { ReadModelStore } from './read-model-store.ts';

export type Progress = { readonly done: number; readonly position: Position };

const batchSize = 2_000;

/**
 * Brings a generation from a position up to what the log has now, or up to `until`. Gives way to
 * other work between batches. Safe to be killed: it goes on from its checkpoint.
 * @returns the position that it has reached
 */
export async function catchUp(options: {
  readonly source: EventSource;
  readonly store: ReadModelStore;
  readonly decode: Decode;
  readonly target: Target;
  readonly types: ReadonlySet<string> | undefined;
  readonly from: Position;
  readonly until?: Position;
  readonly now: () => number;
  readonly onProgress?: (progress: Progress) => void;
  readonly signal?: AbortSignal;
}): Promise<Position> {
  const { source, store, decode, target, types, until, now, signal } = options;
  // Read before the events: what comes later is another round's.
  const head = await source.head();
  const end = until ?? head.position;
  let reached = options.from;
  const batches = source.readAll({
    after: options.from,
    batchSize,
    ...(types === undefined ? {} : { filter: { types: [...types] } }),
    ...(signal === undefined ? {} : { signal }),
  });
  for await (const { batch, decoded } of oneAhead(decodedBatches(batches, decode))) {
    const within = batch.events.filter(({ position }) => !isAfter(position, end));
    const isLast = within.length < batch.events.length || !isAfter(end, batch.position);
    const position = isLast ? latest(reached, end) : batch.position;
    const storedAt = within.at(-1)?.storedAt ?? head.storedAt;
    const checkpoint = { position, storedAt };
    const events = decoded.slice(0, within.length);
    await applyWork(store, [{ target, events, checkpoint }], now);
    reached = position;
    options.onProgress?.({ done: within.length, position });
    if (isLast || signal?.aborted) return reached;
    await nextTurn();
  }
  if (signal?.aborted || !isAfter(end, reached)) return reached;
  const checkpoint = { position: end, storedAt: head.storedAt };
  await applyWork(store, [{ target, events: [], checkpoint }], now);
  return end;
}

type Decoded = { readonly batch: EventBatch; readonly decoded: readonly DecodedEvent[] };

async function* decodedBatches(
  batches: AsyncIterable<EventBatch>,
  decode: Decode,
): AsyncGenerator<Decoded, void, void> {
  for await (const batch of batches) yield { batch, decoded: batch.events.map(decode) };
}

/** While one is worked on the next is made: whoever waits for a server has time for it. */
async function* oneAhead<Item>(items: AsyncGenerator<Item>): AsyncGenerator<Item, void, void> {
  let next = items.next();
  try {
    for (;;) {
      const { done, value } = await next;
      if (done) return;
      next = items.next();
      // What is wrong with it is told when its turn comes.
      next.catch(() => undefined);
      yield value;
    }
  } finally {
    // Not waited for: the server may be away.
    items.return(undefined).catch(() => undefined);
  }
}
