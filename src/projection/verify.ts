import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Position } from '../kernel/position.ts';
import { start } from '../kernel/position.ts';
import type { Target } from './apply.ts';
import { catchUp } from './build.ts';
import { compareDocuments, type Difference, pairs } from './compare.ts';
import type { Decode } from './decode.ts';
import type { EventSource } from './event-source.ts';
import { fingerprintOf } from './fingerprint.ts';
import { firstScratch } from './generations.ts';
import type { Lane } from './lane.ts';
import type { ReadModelStore } from './read-model-store.ts';

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
const reportEvery = 2_000;

/**
 * Compares the live documents with a replay of the log into a scratch generation, which is dropped.
 * The log goes on meanwhile: documents that differ at first are compared once more, while nothing is
 * applied and the replay has come exactly as far as the live generation. Documents with parked
 * events are left out.
 */
export async function* verify(options: {
  readonly source: EventSource;
  readonly store: ReadModelStore;
  readonly decode: Decode;
  readonly lane: Lane;
  readonly live: Target;
  readonly types: ReadonlySet<string> | undefined;
  readonly exclusively: <Result>(task: () => Promise<Result>) => Promise<Result>;
  readonly now: () => number;
  readonly signal: AbortSignal;
}): AsyncGenerator<Verification> {
  const { source, store, lane, live, signal } = options;
  const ref = { view: lane.view, generation: firstScratch + Math.floor(Math.random() * 1e6) };
  await store.open(ref, fingerprintOf(lane.view));
  const scratch: Target = { ref, parked: new Map() };
  let reached: Position = start;
  const seen = { eventsDone: 0, eventsTotal: (await source.countAfter(start)) ?? 0, compared: 0 };
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
    reached = await catchUp({ ...options, target: scratch, from: reached, until, onProgress });
  };
  try {
    const built = bring(lane.checkpoint);
    for (let over = false; !over; ) {
      over = await Promise.race([built.then(() => true), pause()]);
      if (!over) yield report();
    }
    await built;
    const candidates: string[] = [];
    for await (const pair of pairs(store, live.ref, ref)) {
      seen.compared += 1;
      const differs = compareDocuments(pair.id, pair.live?.document, pair.replayed?.document);
      if (differs !== undefined && !live.parked.has(pair.id)) candidates.push(pair.id);
      if (seen.compared % reportEvery === 0) {
        if (signal.aborted) return;
        await nextTurn();
        yield report();
      }
    }
    const again = candidates.slice(0, mostCandidates);
    const documents = await options.exclusively(async () => {
      await bring(lane.checkpoint);
      return compareAgain(store, live, scratch, again);
    });
    yield report(documents, documents.length + candidates.length - again.length, true);
  } finally {
    await store.drop(ref);
  }
}

async function compareAgain(
  store: ReadModelStore,
  live: Target,
  scratch: Target,
  ids: readonly string[],
): Promise<readonly Difference[]> {
  const left = await store.load(live.ref, ids);
  const right = await store.load(scratch.ref, ids);
  return ids.flatMap((id) => {
    if (live.parked.has(id) || scratch.parked.has(id)) return [];
    const document = left.get(id)?.document;
    const differs = compareDocuments(id, document, right.get(id)?.document);
    const outlives =
      differs?.kind === 'unexpected' && document !== undefined
        ? (live.ref.view.mayOutliveLog?.(document) ?? false)
        : false;
    return differs === undefined || outlives ? [] : [differs];
  });
}

function pause(): Promise<false> {
  return new Promise((resolve) => {
    setTimeout(() => resolve(false), 500).unref();
  });
}
