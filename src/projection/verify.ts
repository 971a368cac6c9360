import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Position } from '../kernel/position.ts';
import { start } from '../kernel/position.ts';
import type { Target } from './apply.ts';
import { catchUp } from './build.ts';
import { compareDocuments, type Difference, pairs, withIndex, withPosition } from './compare.ts';
import type { Decode } from './decode.ts';
import type { Derivers } from './derivers.ts';
import type { EventSource } from './event-source.ts';
import { fingerprintOf } from './fingerprint.ts';
import { firstScratch } from './generations.ts';
import type { Lane } from './lane.ts';
import type { GenerationRef, Misindexed, ReadModelStore } from './read-model-store.ts';

export type Verification = {
  readonly eventsDone: number;
  readonly eventsTotal: number;
  readonly compared: number;
  readonly differences: number;
  /** The first hundred. */
  readonly documents: readonly Difference[];
  readonly done: boolean;
};

const mostNamed = 100;
/** Beyond this many candidates there is no use in looking at each again. */
const mostCandidates = 10_000;
/** How many documents are looked at before it is said how far it is. */
const page = 1_000;

/**
 * Compares the live documents with a replay of the log into a scratch generation, which is dropped,
 * and what they are found by with what they say. The log goes on meanwhile: documents that differ at
 * first are compared once more, while nothing is applied and the replay has come exactly as far as
 * the live generation. Documents with parked events are not compared with the replay. Where another
 * generation has gone live meanwhile, it ends with 'overtaken'.
 */
export async function* verify(options: {
  readonly source: EventSource;
  readonly store: ReadModelStore;
  readonly decode: Decode;
  readonly lane: Lane;
  readonly live: Target;
  readonly types: ReadonlySet<string> | undefined;
  readonly exclusively: <Result>(task: () => Promise<Result>) => Promise<Result>;
  readonly derivers: Derivers;
  readonly now: () => number;
  readonly signal: AbortSignal;
}): AsyncGenerator<Verification | 'overtaken'> {
  const { source, store, lane, live, derivers, signal } = options;
  const isDerived = lane.view.derived !== undefined;
  const ref = { view: lane.view, generation: firstScratch + Math.floor(Math.random() * 1e6) };
  await store.open(ref, fingerprintOf(lane.view));
  const scratch: Target = { ref, parked: new Map() };
  let reached: Position = start;
  const eventsTotal = isDerived ? 0 : ((await source.countAfter(start)) ?? 0);
  const seen = { eventsDone: 0, eventsTotal, compared: 0 };
  const report = (documents: readonly Difference[] = [], differences = 0, done = false) => ({
    ...seen,
    eventsTotal: Math.max(seen.eventsTotal, seen.eventsDone),
    differences,
    documents: documents.slice(0, mostNamed),
    done,
  });
  const bring = async (until: Position) => {
    const onProgress = ({ done }: { done: number }) => {
      seen.eventsDone += done;
    };
    if (isDerived) {
      const more = { signal, onProgress: (done: number) => onProgress({ done }) };
      await derivers.catchUp(lane, scratch, more);
      return;
    }
    reached = await catchUp({ ...options, target: scratch, from: reached, until, onProgress });
  };
  try {
    const built = bring(lane.checkpoint);
    for (let over = false; !over; ) {
      over = await Promise.race([built.then(() => true), pause()]);
      if (!over) yield report();
    }
    await built;
    const candidates = new Set<string>();
    for await (const { compared, ids } of candidatesOf(store, live, ref)) {
      seen.compared += compared;
      for (const id of ids) candidates.add(id);
      if (signal.aborted) return;
      await nextTurn();
      yield report();
    }
    const again = [...candidates].slice(0, mostCandidates);
    const documents = await options.exclusively(async () => {
      // Another generation is live: the log is no longer applied to the one that was looked at.
      if (lane.target !== live) return undefined;
      if (isDerived) {
        // Both as far as their inputs, which stay as they are meanwhile.
        await derivers.settle(lane, live);
        await derivers.settle(lane, scratch);
      } else await bring(lane.checkpoint);
      return compareAgain(store, live, scratch, again);
    });
    if (documents === undefined) yield 'overtaken';
    else yield report(documents, documents.length + candidates.size - again.length, true);
  } finally {
    derivers.forget(scratch);
    // What cannot be dropped now is when the projector opens the view the next time.
    await store.drop(ref).catch(() => undefined);
  }
}

/** The documents that differ at first sight, from page to page. */
async function* candidatesOf(
  store: ReadModelStore,
  live: Target,
  scratch: GenerationRef,
): AsyncGenerator<{ readonly compared: number; readonly ids: readonly string[] }> {
  // Of a derived document it is that of its inputs, which has moved on since.
  const isDerived = live.ref.view.derived !== undefined;
  let compared = 0;
  let ids: string[] = [];
  let present: string[] = [];
  const complete = async () => {
    const misindexed = await inspected(store, live.ref, present);
    return { compared, ids: [...ids, ...misindexed.keys()] };
  };
  for await (const pair of pairs(store, live.ref, scratch)) {
    compared += 1;
    const content = compareDocuments(pair.id, pair.live, pair.replayed?.document);
    const differs = isDerived ? content : withPosition(pair.id, content, pair.live, pair.replayed);
    if (differs !== undefined && !live.parked.has(pair.id)) ids.push(pair.id);
    if (pair.live !== undefined) present.push(pair.id);
    if (compared < page) continue;
    yield await complete();
    compared = 0;
    ids = [];
    present = [];
  }
  if (compared > 0) yield await complete();
}

async function compareAgain(
  store: ReadModelStore,
  live: Target,
  scratch: Target,
  ids: readonly string[],
): Promise<readonly Difference[]> {
  const left = await store.load(live.ref, ids);
  const right = await store.load(scratch.ref, ids);
  const misindexed = await inspected(store, live.ref, ids);
  const compare = (id: string): Difference | undefined => {
    if (live.parked.has(id) || scratch.parked.has(id)) return undefined;
    const stored = left.get(id);
    const document = stored?.document;
    const replayed = right.get(id);
    const content = compareDocuments(id, stored, replayed?.document);
    const isDerived = live.ref.view.derived !== undefined;
    const differs = isDerived ? content : withPosition(id, content, stored, replayed);
    if (differs?.kind !== 'unexpected' || document === undefined) return differs;
    return live.ref.view.mayOutliveLog?.(document) === true ? undefined : differs;
  };
  return ids.flatMap((id) => withIndex(id, compare(id), misindexed.get(id)) ?? []);
}

async function inspected(
  store: ReadModelStore,
  ref: GenerationRef,
  ids: readonly string[],
): Promise<ReadonlyMap<string, Misindexed>> {
  const found = new Map<string, Misindexed>();
  for await (const one of store.inspect(ref, ids)) found.set(one.documentId, one);
  return found;
}

function pause(): Promise<false> {
  return new Promise((resolve) => {
    setTimeout(() => resolve(false), 500).unref();
  });
}
