import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { StoreFault } from '../kernel/fault.ts';
import { isAfter, type Position, start } from '../kernel/position.ts';
import type { Log } from '../kernel/telemetry.ts';
import type { Upcaster } from '../kernel/upcast.ts';
import { createDecode, messageOf, storedTypesOf } from './decode.ts';
import { createDerivers } from './derivers.ts';
import { createLookForDisplaced } from './displaced.ts';
import type { EventSource } from './event-source.ts';
import { createGenerations, type Generations } from './generations.ts';
import { inputsOf, type View } from './kit.ts';
import { isFed, type Lane, type Synchronisation } from './lane.ts';
import { leased } from './leased-store.ts';
import { createLive, type Live } from './live.ts';
import { observed } from './observed-store.ts';
import type { ReadModelStore } from './read-model-store.ts';
import { workWhileLeased } from './tenure.ts';
import { traceApplied } from './tracing.ts';

export type ProjectorOptions = {
  /**
   * Of those that share the read models no other has it. The same after a restart, which then need
   * not wait for the lease of the process before. By default one that no other process has.
   */
  readonly name?: string;
  readonly views: readonly View[];
  readonly source: EventSource;
  readonly store: ReadModelStore;
  /** By view; overrides what the view says of itself. */
  readonly batches?: {
    readonly [view: string]: { readonly size: number; readonly waitMs: number };
  };
  readonly upcasters?: readonly Upcaster[];
  readonly log: Log;
  readonly now: () => number;
};

/** What has become of one view, as far as this process knows. */
export type LaneStatus = {
  readonly lane: Lane;
  readonly lagEvents: number | undefined;
  readonly lagSeconds: number;
  readonly eventsPerSecond: number;
  readonly heartbeatAt: number;
};

/**
 * Keeps the views:
 *
 *     waiting --stores are there, the lease is got--> catching up --end of the log--> live
 *     any --a store goes away--> waiting (backoff, then again from the checkpoints)
 *     any --another has the lease--> standby --the lease is got--> catching up
 *     any --signal--> stopped
 *
 * A view that is ahead of the log is left as it is meanwhile; see Lane.
 */
export type Projector = {
  readonly name: string;
  /** Ends when the signal aborts, and not before. */
  readonly run: (signal: AbortSignal) => Promise<void>;
  readonly state: () => 'waiting' | 'catching up' | 'live' | 'standby' | 'stopped';
  /** The name of the projector that works, as far as it is known. */
  readonly worker: () => string | undefined;
  /** Aborts when this one works no longer; undefined while it doesn't. */
  readonly term: () => AbortSignal | undefined;
  readonly lastError: () => { readonly message: string; readonly at: number } | undefined;
  readonly lanes: readonly Lane[];
  readonly statusOf: (lane: Lane) => LaneStatus;
  readonly generations: Generations;
  readonly live: Live;
  readonly parts: ProjectorParts;
};

export type ProjectorParts = ReturnType<typeof createParts>;

const shortestBackoffMs = 50;
const longestBackoffMs = 5_000;
const heartbeatMs = 1_000;
/** So often it is looked what has become of live generations. */
const beatsPerLook = 3;

export function createProjector(options: ProjectorOptions): Projector {
  const { source, log, now, name = randomUUID() } = options;
  let holds = async () => false;
  const parts = createParts(options, () => holds());
  const { lanes, store, derivers } = parts;
  const generations = createGenerations(parts);
  const live = createLive({
    ...parts,
    lanes: () => lanes,
    wants: (lane, type) => parts.typesOf(lane)?.has(type) ?? true,
    onApplied: traceApplied,
  });
  const status = new Map<Lane, LaneStatus>();
  let state: ReturnType<Projector['state']> = 'waiting';
  let error: { message: string; at: number } | undefined;
  let worker: string | undefined;
  let term: AbortSignal | undefined;

  const beat = async (
    lane: Lane,
    head: Position,
    secondsBehind: (at: Position) => Promise<number>,
  ) => {
    // Of one that is not kept up to date nothing is to be heard: read servers and alarms see it.
    if (lane.aheadOfLog !== undefined) return;
    const before = status.get(lane);
    const behind = isAfter(head, lane.checkpoint);
    const lagEvents = behind ? await source.countAfter(lane.checkpoint) : 0;
    const lagSeconds = behind ? await secondsBehind(lane.checkpoint) : 0;
    const heartbeatAt = now();
    const seconds = before === undefined ? 0 : (heartbeatAt - before.heartbeatAt) / 1000;
    const eventsPerSecond = seconds > 0 ? (lane.applied - (applied.get(lane) ?? 0)) / seconds : 0;
    applied.set(lane, lane.applied);
    status.set(lane, { lane, lagEvents, lagSeconds, eventsPerSecond, heartbeatAt });
    if (!isFed(lane)) return;
    const lag = lagEvents === undefined ? {} : { lagEvents };
    const parkedDocuments = lane.target.parked.size;
    await store.heartbeat(lane.target.ref, {
      ...{ at: heartbeatAt, lagSeconds, parkedDocuments },
      ...lag,
    });
  };
  const applied = new Map<Lane, number>();

  const keepBeating = async (signal: AbortSignal) => {
    for (let beats = 1; !signal.aborted; beats += 1) {
      try {
        const head = (await source.head()).position;
        // One view whose index is away takes no other's heartbeat with it.
        const lag = createLag(source, now());
        const failures = await failuresOf(lanes.map((lane) => beat(lane, head, lag)));
        for (const { reason } of failures) log.debug({ err: reason }, 'heartbeat failed');
        if (failures.length > 0 || beats % beatsPerLook === 0) await noticeDisplaced();
      } catch (cause) {
        log.debug({ err: cause }, 'heartbeat failed');
      }
      await delay(heartbeatMs, undefined, { signal }).catch(() => undefined);
    }
  };

  /** Also while there is nothing to apply: what somebody has done to live generations is made good. */
  const noticeDisplaced = async () => {
    const problem = await lookForDisplaced();
    if (problem !== undefined) reopen?.abort(new StoreFault('STORE_FAILED', problem));
  };
  const lookForDisplaced = createLookForDisplaced(store, lanes);
  let reopen: AbortController | undefined;

  const runOnce = async (signal: AbortSignal) => {
    reopen = new AbortController();
    await generations.open(signal);
    state = 'catching up';
    await live.follow(AbortSignal.any([signal, reopen.signal]));
    if (!signal.aborted) reopen.signal.throwIfAborted();
  };

  /** From getting the lease until it is lost: the stores may come and go meanwhile. */
  const runTerm = async (signal: AbortSignal, isHeld: () => Promise<boolean>) => {
    term = signal;
    holds = isHeld;
    worker = name;
    state = 'waiting';
    const beating = keepBeating(signal);
    const deriving = derivers.follow(signal);
    await patiently(signal, () => runOnce(signal));
    term = undefined;
    worker = undefined;
    await generations.settled();
    await beating;
    await deriving;
    derivers.clear();
    // What another one does with them from now on is not known here.
    status.clear();
    for (const lane of lanes) {
      lane.target = undefined;
      lane.aheadOfLog = undefined;
    }
  };

  const runTerms = (signal: AbortSignal) =>
    workWhileLeased({
      ...{ store, log, signal, owner: name, work: runTerm },
      onStandby: (other) => {
        state = 'standby';
        worker = other;
      },
    });

  /** Again with growing pauses when a store fails, until the signal aborts. */
  const patiently = async (signal: AbortSignal, work: () => Promise<void>) => {
    let backoffMs = shortestBackoffMs;
    while (!signal.aborted) {
      const startedAt = now();
      try {
        await work();
      } catch (cause) {
        error = { message: messageOf(cause), at: now() };
        log.error({ err: cause }, 'projections wait for their stores');
      }
      if (signal.aborted) return;
      state = 'waiting';
      if (now() - startedAt > longestBackoffMs) backoffMs = shortestBackoffMs;
      const ms = backoffMs * (0.5 + Math.random());
      await delay(ms, undefined, { signal }).catch(() => undefined);
      backoffMs = Math.min(backoffMs * 2, longestBackoffMs);
    }
  };

  return {
    name,
    worker: () => worker,
    term: () => term,
    lanes,
    generations,
    live,
    parts,
    state: () => (state === 'catching up' && live.isLive() ? 'live' : state),
    lastError: () => error,
    statusOf: (lane) =>
      status.get(lane) ?? {
        lane,
        lagEvents: undefined,
        lagSeconds: 0,
        eventsPerSecond: 0,
        heartbeatAt: 0,
      },
    run: async (signal) => {
      await patiently(signal, () => runTerms(signal));
      state = 'stopped';
    },
  };
}

function createParts(options: ProjectorOptions, holds: () => Promise<boolean>) {
  const { views, source, log, now } = options;
  const upcasters = options.upcasters ?? [];
  const names = new Set(views.map(({ name }) => name));
  if (names.size !== views.length) throw new Error('two views have the same name');
  checkInputs(views);
  for (const name of Object.keys(options.batches ?? {})) {
    if (!names.has(name)) throw new Error(`there is no view '${name}' to apply in batches`);
  }
  const types = new Map(views.map((view) => [view.name, storedTypesOf(view, upcasters)]));
  const lanes: readonly Lane[] = views.map((view) => ({
    view,
    synchronisation: synchronisationOf(view, options.batches ?? {}),
    target: undefined,
    checkpoint: start,
    storedAt: 0,
    aheadOfLog: undefined,
    waiting: [],
    waitingSince: 0,
    seen: undefined,
    applied: 0,
  }));
  const exclusively = createExclusion();
  const decode = createDecode(views, upcasters);
  const typesOf = (lane: Lane) => types.get(lane.view.name);
  const store = observed(leased(options.store, holds), (writing) => derivers.onWriting(writing));
  const common = { source, store, log, lanes, decode, typesOf, exclusively };
  const derivers = createDerivers(common);
  return { ...common, derivers, now };
}

/** Each with what it is derived from: only that is there to be read. */
function checkInputs(views: readonly View[]): void {
  for (const { name, derived } of views) {
    for (const input of derived === undefined ? [] : inputsOf(derived)) {
      if (input.derived !== undefined) throw new Error(`${name} is derived from a derived view`);
      if (views.includes(input)) continue;
      throw new Error(`${name} is derived from ${input.name}, which is not among the views`);
    }
  }
}

function synchronisationOf(
  view: View,
  batches: NonNullable<ProjectorOptions['batches']>,
): Synchronisation {
  const batch = batches[view.name] ?? view.batch;
  return batch === undefined ? { mode: 'eventual' } : { mode: 'batch', ...batch };
}

/** One task after another, in the order of the calls. */
function createExclusion() {
  let last: Promise<unknown> = Promise.resolve();
  return <Result>(task: () => Promise<Result>): Promise<Result> => {
    const turn = last.then(task, task);
    last = turn.catch(() => undefined);
    return turn;
  };
}

/** Waits for all of them. */
async function failuresOf(works: readonly Promise<void>[]): Promise<PromiseRejectedResult[]> {
  return (await Promise.allSettled(works)).filter((one) => one.status === 'rejected');
}

/** The age of the oldest event after a position, in seconds: many views are at the same one. */
function createLag(source: EventSource, nowMs: number): (after: Position) => Promise<number> {
  const known = new Map<bigint, Promise<number>>();
  const read = async (after: Position): Promise<number> => {
    for await (const { events } of source.readAll({ after, limit: 1, batchSize: 1 })) {
      const [first] = events;
      if (first !== undefined) return Math.max(0, (nowMs - first.storedAt) / 1000);
    }
    return 0;
  };
  return (after) => {
    const seconds = known.get(after.commit) ?? read(after);
    known.set(after.commit, seconds);
    return seconds;
  };
}
