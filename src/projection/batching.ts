/**
 * How many events are gathered before they are applied, and how long the first of them waits.
 *
 * The rule. Behind the tail, a batch as large as allowed is always there: the size doubles after each
 * full batch, up to 5,000, as long as an event does not get dearer by it; there is no wait. At the
 * tail, events are applied as they come, as long as applying takes less than half of the time. When
 * it takes more, waiting for company pays: the wait doubles, from 1 up to 20 ms; when it takes less
 * than a quarter, the wait is halved, down to none, and so is the size, down to 100.
 */
export type Batching = {
  readonly size: number;
  readonly waitMs: number;
  /** Of the last full batch; 0 before the first. */
  readonly msPerEvent: number;
};

/** What was seen of the last batch. */
export type Observation = {
  readonly events: number;
  readonly applyMs: number;
  /** From the end of the batch before to the end of this one. */
  readonly sinceLastMs: number;
  /** The end of the log was reached. */
  readonly live: boolean;
};

export const smallestSize = 100;
export const largestSize = 5_000;
export const longestWaitMs = 20;

/** An event may get so much dearer before a larger batch counts as no gain: clocks are noisy. */
const tolerance = 1.25;

export const firstBatching: Batching = { size: 500, waitMs: 0, msPerEvent: 0 };

export function nextBatching(batching: Batching, seen: Observation): Batching {
  const { size, waitMs } = batching;
  const msPerEvent = seen.events === 0 ? batching.msPerEvent : seen.applyMs / seen.events;
  if (!seen.live) {
    if (seen.events < size) return { ...batching, waitMs: 0 };
    const dearer = batching.msPerEvent > 0 && msPerEvent > batching.msPerEvent * tolerance;
    const next = dearer ? Math.max(smallestSize, size / 2) : Math.min(largestSize, size * 2);
    return { size: Math.round(next), waitMs: 0, msPerEvent };
  }
  const load = seen.sinceLastMs <= 0 ? 1 : seen.applyMs / seen.sinceLastMs;
  if (load > 0.5) {
    return { ...batching, waitMs: Math.min(longestWaitMs, Math.max(1, waitMs * 2)) };
  }
  if (load >= 0.25) return batching;
  return {
    size: Math.max(smallestSize, Math.round(size / 2)),
    waitMs: Math.floor(waitMs / 2),
    msPerEvent: 0,
  };
}
