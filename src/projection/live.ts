import { setTimeout as delay } from 'node:timers/promises';
import { earliest, isAfter } from '../kernel/position.ts';
import { applyWork, type Work } from './apply.ts';
import { type Batching, firstBatching, nextBatching } from './batching.ts';
import type { Decode } from './decode.ts';
import type { EventBatch, EventSource } from './event-source.ts';
import { dueInMs, isFedByLog, type Lane } from './lane.ts';
import type { ReadModelStore } from './read-model-store.ts';
import type { Span } from './tracing.ts';

export type Live = {
  /** Follows the log until the signal aborts. @throws StoreFault when a store goes away */
  readonly follow: (signal: AbortSignal) => Promise<void>;
  readonly batching: () => Batching;
  /** Whether the end of the log has been reached. */
  readonly isLive: () => boolean;
};

/** How many events a read of the log brings at most. */
const readSize = 1_000;

/** Feeds one subscription to all lanes; each skips what it has already. */
export function createLive(options: {
  readonly source: EventSource;
  readonly store: ReadModelStore;
  readonly lanes: () => readonly Lane[];
  readonly wants: (lane: Lane, type: string) => boolean;
  readonly decode: Decode;
  /** One at a time with everything else that writes to live generations. */
  readonly exclusively: <Result>(task: () => Promise<Result>) => Promise<Result>;
  readonly onApplied: (work: readonly Work[], span: Span) => void;
  readonly now: () => number;
}): Live {
  const { source, store, lanes, wants, decode, exclusively, now } = options;
  let batching = firstBatching;
  let live = false;
  let lastAppliedAt = 0;

  const take = (batch: EventBatch) => {
    live = batch.live;
    const decoded = batch.events.map(decode);
    const last = batch.events.at(-1);
    for (const lane of lanes()) {
      if (!isFedByLog(lane)) continue;
      const before = lane.seen?.position ?? lane.checkpoint;
      if (!isAfter(batch.position, before)) continue;
      for (const event of decoded) {
        const { position, type } = event.recorded;
        if (!wants(lane, type) || !isAfter(position, before)) continue;
        if (lane.waiting.length === 0) lane.waitingSince = now();
        lane.waiting.push(event);
      }
      const storedAt = last?.storedAt ?? lane.seen?.storedAt ?? 0;
      lane.seen = { position: batch.position, storedAt };
    }
  };

  const isDue = (lane: Lane) =>
    lane.seen !== undefined &&
    (lane.waiting.length === 0
      ? isAfter(lane.seen.position, lane.checkpoint)
      : dueInMs(lane, live ? batching.waitMs : longestGatherMs, batching.size, now()) === 0);

  const applyDue = async () => {
    const due = lanes().filter(isFedByLog).filter(isDue);
    const work = due.flatMap((lane) =>
      lane.seen === undefined
        ? []
        : [{ target: lane.target, events: lane.waiting, checkpoint: lane.seen }],
    );
    if (work.length === 0) return;
    const events = Math.max(...work.map((one) => one.events.length));
    const startedAt = performance.now();
    await applyWork(store, work, now);
    const endedAt = performance.now();
    for (const lane of due) {
      if (lane.seen !== undefined) {
        lane.checkpoint = lane.seen.position;
        lane.storedAt = lane.seen.storedAt;
      }
      lane.applied += lane.waiting.length;
      lane.waiting = [];
      lane.seen = undefined;
    }
    const applyMs = endedAt - startedAt;
    batching = nextBatching(batching, {
      events,
      applyMs,
      sinceLastMs: endedAt - lastAppliedAt,
      live,
    });
    lastAppliedAt = endedAt;
    options.onApplied(work, { startedAt, endedAt });
  };

  const msUntilDue = () =>
    Math.min(
      longestIdleMs,
      ...lanes().map((lane) =>
        dueInMs(lane, live ? batching.waitMs : longestGatherMs, batching.size, now()),
      ),
    );

  return {
    batching: () => batching,
    isLive: () => live,
    follow: async (signal) => {
      for (const lane of lanes()) {
        lane.waiting = [];
        lane.seen = undefined;
      }
      live = false;
      const stop = new AbortController();
      const both = AbortSignal.any([signal, stop.signal]);
      // A generation that goes live later has caught up by itself.
      const fed = lanes().filter(isFedByLog);
      const head = (await source.head()).position;
      const after = fed.map(({ checkpoint }) => checkpoint).reduce(earliest, head);
      const subscription = source.subscribe({ after, batchSize: readSize, signal: both });
      const batches = subscription[Symbol.asyncIterator]();
      try {
        let next = batches.next();
        while (!signal.aborted) {
          const got = await firstOf(next, msUntilDue());
          if (got?.done) return;
          await exclusively(async () => {
            if (got !== undefined) take(got.value);
            await applyDue();
          });
          if (got !== undefined) next = batches.next();
        }
        await next.catch(() => undefined);
      } finally {
        stop.abort();
        await batches.return?.();
      }
    },
  };
}

/** While catching up, events are gathered so long for a full batch. */
const longestGatherMs = 50;
const longestIdleMs = 1_000;

async function firstOf<Value>(next: Promise<Value>, ms: number): Promise<Value | undefined> {
  if (ms <= 0) return Promise.race([next, Promise.resolve(undefined)]);
  const stop = new AbortController();
  try {
    const late = delay(ms, undefined, { signal: stop.signal }).catch(() => undefined);
    return await Promise.race([next, late]);
  } finally {
    stop.abort();
  }
}
