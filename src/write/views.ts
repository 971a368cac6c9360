import { setTimeout as delay } from 'node:timers/promises';
import { isAfter, type Position } from '../kernel/position.ts';

/** How far the read models are: all that the write side ever asks of them. */
export type ViewPositions = {
  readonly names: readonly string[];
  /** Undefined while the view has no live generation. */
  readonly positionOf: (view: string) => Promise<Position | undefined>;
};

const shortestPollMs = 1;
const longestPollMs = 10;

/**
 * Waits until the views have applied everything up to the position, and names those that have not
 * when the time is over or the caller is gone. A store of read models that is away counts as behind.
 */
export async function waitForViews(
  positions: ViewPositions,
  views: readonly string[],
  position: Position,
  timeoutMs: number,
  signal: AbortSignal,
): Promise<readonly string[]> {
  const until = Date.now() + timeoutMs;
  let behind = views;
  let pollMs = shortestPollMs;
  for (;;) {
    behind = await stillBehind(positions, behind, position);
    const leftMs = until - Date.now();
    if (behind.length === 0 || leftMs <= 0 || signal.aborted) return behind;
    await delay(Math.min(pollMs, leftMs), undefined, { signal }).catch(() => undefined);
    pollMs = Math.min(pollMs * 2, longestPollMs);
  }
}

async function stillBehind(
  positions: ViewPositions,
  views: readonly string[],
  position: Position,
): Promise<readonly string[]> {
  const reached = await Promise.all(
    views.map(async (view) => {
      const at = await positions.positionOf(view).catch(() => undefined);
      return at !== undefined && !isAfter(position, at);
    }),
  );
  return views.filter((_, index) => reached[index] !== true);
}
