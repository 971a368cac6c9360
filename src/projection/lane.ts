import type { Position } from '../kernel/position.ts';
import type { Target } from './apply.ts';
import type { DecodedEvent } from './decode.ts';
import type { View } from './kit.ts';
import type { GenerationRef, ReadModelStore } from './read-model-store.ts';

/** How a view is applied: as events come, or in batches of a size or a time. */
export type Synchronisation =
  | { readonly mode: 'eventual' }
  | { readonly mode: 'batch'; readonly size: number; readonly waitMs: number };

/** A live generation that the log is fed to, and what waits to be applied to it. */
export type Lane = {
  readonly view: View;
  readonly synchronisation: Synchronisation;
  /** Replaced as a whole when another generation goes live; undefined while none is fed. */
  target: Target | undefined;
  checkpoint: Position;
  /** When the event there was stored, milliseconds since 1970. */
  storedAt: number;
  /**
   * Set while the live generation has events that the log has not: the log was lost or replaced by
   * an older one. It is not fed then, as it would miss what comes in the places of those, until
   * another generation is live.
   */
  aheadOfLog: { readonly at: number } | undefined;
  /** Wanted events after the checkpoint, oldest first. */
  waiting: DecodedEvent[];
  /** When the first of them came. */
  waitingSince: number;
  /** Up to where the log has been read for it. */
  seen: { position: Position; storedAt: number } | undefined;
  applied: number;
};

/** Whether what comes in the log is applied to it. */
export function isFed(lane: Lane): lane is Lane & { target: Target } {
  return lane.target !== undefined && lane.aheadOfLog === undefined;
}

/** Whether it is made of events, not of other views. */
export function isFedByLog(lane: Lane): lane is Lane & { target: Target } {
  return isFed(lane) && lane.view.derived === undefined;
}

/** @returns the generation with the documents that have parked events */
export async function openTarget(store: ReadModelStore, ref: GenerationRef): Promise<Target> {
  const parked = new Map<string, string>();
  for (const { documentId } of await store.parked(ref)) parked.set(documentId, '');
  return { ref, parked };
}

/** Milliseconds until what waits is due; Infinity where nothing waits. */
export function dueInMs(lane: Lane, waitMs: number, size: number, nowMs: number): number {
  if (lane.waiting.length === 0) return Number.POSITIVE_INFINITY;
  const batch = lane.synchronisation.mode === 'batch' ? lane.synchronisation : { size, waitMs };
  if (lane.waiting.length >= batch.size) return 0;
  return Math.max(0, lane.waitingSince + batch.waitMs - nowMs);
}
