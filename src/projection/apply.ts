import type { Position } from '../kernel/position.ts';
import type { DecodedEvent } from './decode.ts';
import { type Fold, foldEvents } from './fold.ts';
import type { GenerationRef, ReadModelStore } from './read-model-store.ts';

/** A generation that is written to. */
export type Target = {
  readonly ref: GenerationRef;
  /** The documents that have parked events; see foldEvents. */
  readonly parked: Map<string, string>;
};

export type Work = {
  readonly target: Target;
  readonly events: readonly DecodedEvent[];
  readonly checkpoint: { readonly position: Position; readonly storedAt: number };
};

/**
 * Applies events to generations, with their checkpoints, in one step where the store can. A document
 * that the store refuses is found out, its events are parked from the one on that makes it so, and
 * nothing else is affected.
 */
export async function applyWork(
  store: ReadModelStore,
  work: readonly Work[],
  now: () => number,
): Promise<void> {
  // Together: each has to wait for the documents that it loads.
  const folds = await Promise.all(
    work.map(async (one) => ({ work: one, fold: await foldWork(store, one, now()) })),
  );
  const { refused } = await store.apply(folds.map(({ work: one, fold }) => toBatch(one, fold)));
  if (refused.length === 0) return;
  for (const { work: one, fold } of folds) {
    const own = refused.filter(({ ref }) => ref.view.name === one.target.ref.view.name);
    for (const { documentId } of own) {
      await applyOneByOne(store, one.target, documentId, fold.eventsOf.get(documentId) ?? [], now);
    }
  }
  await applyWork(store, work, now);
}

function foldWork(store: ReadModelStore, { target, events }: Work, nowMs: number): Promise<Fold> {
  const load = (ids: readonly string[]) => store.load(target.ref, ids);
  return foldEvents(target.ref.view, events, target.parked, load, nowMs);
}

function toBatch({ target, checkpoint }: Work, { documents, park }: Fold) {
  return { ref: target.ref, batch: { documents, park, unpark: [], checkpoint } };
}

/** Up to the event that makes the store refuse the document; from there on they will be parked. */
async function applyOneByOne(
  store: ReadModelStore,
  { ref, parked }: Target,
  documentId: string,
  events: readonly DecodedEvent[],
  now: () => number,
): Promise<void> {
  const load = (ids: readonly string[]) => store.load(ref, ids);
  const own = { ...ref.view, ids: () => [documentId] };
  for (const event of events) {
    if (parked.has(documentId)) return;
    const { documents } = await foldEvents(own, [event], new Map(), load, now());
    const { refused } = await store.apply([{ ref, batch: { documents, park: [], unpark: [] } }]);
    const [refusal] = refused;
    if (refusal !== undefined) parked.set(documentId, refusal.error);
  }
}
