import { setTimeout as delay } from 'node:timers/promises';
import { StoreFault } from '../kernel/fault.ts';
import { isAfter, latest, type Position, start } from '../kernel/position.ts';
import type { Log } from '../kernel/telemetry.ts';
import { toToken } from '../kernel/token.ts';
import type { Target } from './apply.ts';
import { catchUp } from './build.ts';
import type { Decode } from './decode.ts';
import type { Derivers } from './derivers.ts';
import type { EventSource } from './event-source.ts';
import { fingerprintOf } from './fingerprint.ts';
import type { View } from './kit.ts';
import { type Lane, openTarget } from './lane.ts';
import type { GenerationInfo, ReadModelStore } from './read-model-store.ts';

/** A generation being built beside the live one. */
export type Build = {
  readonly generation: number;
  done: number;
  total: number;
  eventsPerSecond: number;
  switched: boolean;
  /** It has switched, or failed, or its signal has aborted: another one goes on with it. */
  over: boolean;
  /** What it waits for, and since when: it goes on by itself. */
  waiting: { readonly cause: unknown; readonly at: number } | undefined;
  /** Why it ended without switching. */
  error?: { readonly cause: unknown; readonly at: number };
  readonly finished: Promise<void>;
};

export type Generations = {
  /** Finds the live generation of each lane, and starts the builds that are due. */
  readonly open: (signal: AbortSignal) => Promise<void>;
  /** A new generation, or the one that is being built already. */
  readonly rebuild: (lane: Lane, signal: AbortSignal) => Promise<Build>;
  readonly buildOf: (view: string) => Build | undefined;
  /** When none is being built any more: their signal has to abort first. */
  readonly settled: () => Promise<void>;
  /** @returns undefined where there is none to go back to, with the fingerprint it has otherwise */
  readonly rollback: (
    lane: Lane,
  ) => Promise<{ generation?: number; otherFingerprint?: string; isAheadOfLog?: boolean }>;
};

/** Scratch generations of verifications have numbers from here on. */
export const firstScratch = 1_000_000;

const retryMs = 1_000;
/** So few events can be caught up with while nothing else is applied. */
const lastRound = 1_000;

export function createGenerations(options: {
  readonly source: EventSource;
  readonly store: ReadModelStore;
  readonly lanes: readonly Lane[];
  readonly decode: Decode;
  readonly typesOf: (lane: Lane) => ReadonlySet<string> | undefined;
  readonly exclusively: <Result>(task: () => Promise<Result>) => Promise<Result>;
  readonly derivers: Derivers;
  readonly log: Log;
  readonly now: () => number;
}): Generations {
  const { source, store, lanes, decode, typesOf, exclusively, derivers, log, now } = options;
  const builds = new Map<string, Build>();
  const formerly = new Map<Lane, number>();

  const bring = async (
    lane: Lane,
    target: Target,
    from: Position,
    signal?: AbortSignal,
    build?: Build,
  ) => {
    const startedAt = performance.now();
    const before = build?.done ?? 0;
    const onProgress = (done: number) => {
      if (build === undefined) return;
      build.waiting = undefined;
      build.done += done;
      build.total = Math.max(build.total, build.done);
      const seconds = (performance.now() - startedAt) / 1000;
      if (seconds > 0) build.eventsPerSecond = (build.done - before) / seconds;
    };
    if (lane.view.derived !== undefined) {
      const more = { ...(signal === undefined ? {} : { signal }), onProgress };
      return (await derivers.catchUp(lane, target, more))?.position ?? from;
    }
    return catchUp({
      source,
      store,
      decode,
      target,
      from,
      now,
      types: typesOf(lane),
      ...(signal === undefined ? {} : { signal }),
      onProgress: ({ done }) => onProgress(done),
    });
  };

  /** Catches up for the last time while nothing else writes, and goes live in one step. */
  const goLive = (lane: Lane, target: Target, from: Position) =>
    exclusively(async () => {
      const reached =
        lane.view.derived === undefined
          ? await bring(lane, target, from)
          : (await derivers.settle(lane, target)).position;
      const known = await generationsOf(lane);
      // What answers now is of a log that is lost: there is nothing to wait for.
      await store.switchTo(target.ref, { backwards: lane.aheadOfLog !== undefined });
      const old = known.find(({ state }) => state === 'live');
      if (old === undefined || lane.aheadOfLog !== undefined) formerly.delete(lane);
      else formerly.set(lane, old.generation);
      if (lane.target !== undefined) derivers.forget(lane.target);
      lane.target = target;
      lane.storedAt = (await source.head()).storedAt;
      // The end of the log: what waits to be applied is in it.
      lane.checkpoint = lane.aheadOfLog === undefined ? latest(reached, lane.checkpoint) : reached;
      lane.aheadOfLog = undefined;
      lane.waiting = [];
      lane.seen = undefined;
      await dropOlder(lane);
    });

  /** One is kept for a rollback: the one that was live until now, where it is of this log. */
  const dropOlder = async (lane: Lane) => {
    const kept = (await generationsOf(lane)).filter(({ state }) => state === 'kept');
    for (const { generation } of kept) {
      if (generation !== formerly.get(lane)) await store.drop({ view: lane.view, generation });
    }
  };

  const generationsOf = async (lane: Lane): Promise<GenerationInfo[]> =>
    ofView(lane.view, await store.generations());

  const startBuild = async (lane: Lane, info: GenerationInfo, signal: AbortSignal) => {
    const target = await openTarget(store, { view: lane.view, generation: info.generation });
    const isDerived = lane.view.derived !== undefined;
    const total = isDerived ? 0 : ((await source.countAfter(info.checkpoint)) ?? 0);
    const { promise: finished, resolve } = Promise.withResolvers<void>();
    const build: Build = {
      generation: info.generation,
      done: 0,
      total,
      eventsPerSecond: 0,
      switched: false,
      over: false,
      waiting: undefined,
      finished,
    };
    builds.set(lane.view.name, build);
    let reached = info.checkpoint;
    const run = async () => {
      for (let before = Number.NEGATIVE_INFINITY; build.done - before > lastRound; ) {
        before = build.done;
        reached = await bring(lane, target, reached, signal, build);
        if (signal.aborted) return;
      }
      await goLive(lane, target, reached);
      build.waiting = undefined;
      build.switched = true;
      log.info({ view: lane.view.name, generation: info.generation }, 'generation is live');
    };
    const runPatiently = async () => {
      while (!signal.aborted && !build.switched) {
        try {
          await run();
        } catch (error) {
          if (!(error instanceof StoreFault)) throw error;
          log.warn({ view: lane.view.name, err: error }, 'rebuild waits for its stores');
          build.waiting = { cause: error, at: build.waiting?.at ?? now() };
          await delay(retryMs, undefined, { signal }).catch(() => undefined);
        }
      }
    };
    void runPatiently()
      .catch((error: unknown) => {
        build.error = { cause: error, at: now() };
        log.error({ view: lane.view.name, err: error }, 'rebuild stopped; the live one stays');
      })
      .finally(() => {
        if (!build.switched) derivers.forget(target);
        build.over = true;
        resolve();
      });
    return build;
  };

  const newBuild = async (lane: Lane, signal: AbortSignal) => {
    const fingerprint = fingerprintOf(lane.view);
    // A verification may be under way in a scratch one.
    const known = (await generationsOf(lane)).filter((info) => info.generation < firstScratch);
    for (const { state, generation } of known) {
      if (state === 'building') await store.drop({ view: lane.view, generation });
    }
    const generation = Math.max(0, ...known.map((info) => info.generation)) + 1;
    return startBuild(lane, await store.open({ view: lane.view, generation }, fingerprint), signal);
  };

  /** known: of its view. head: read after them; of what is after it the log knows nothing (any more) */
  const openLane = async (
    lane: Lane,
    known: readonly GenerationInfo[],
    head: { readonly position: Position; readonly storedAt: number },
  ) => {
    const fingerprint = fingerprintOf(lane.view);
    const live = known.find(({ state }) => state === 'live');
    lane.checkpoint = live?.checkpoint ?? start;
    lane.storedAt = head.storedAt;
    if (isAfter(lane.checkpoint, head.position) && lane.aheadOfLog === undefined) {
      lane.aheadOfLog = { at: now() };
      const view = lane.view.name;
      log.error(
        { view, checkpoint: toToken(lane.checkpoint), end: toToken(head.position) },
        'ahead of the log',
      );
    }
    if (lane.target !== undefined) derivers.forget(lane.target);
    lane.target =
      live?.fingerprint === fingerprint
        ? await openTarget(store, { view: lane.view, generation: live.generation })
        : undefined;
  };

  const dropScratch = async (lane: Lane, known: readonly GenerationInfo[]) => {
    for (const { generation, state } of known) {
      const isScratch = generation >= firstScratch;
      if (isScratch && state !== 'live') await store.drop({ view: lane.view, generation });
    }
  };

  /** Of one that has been opened. */
  const buildIfDue = async (
    lane: Lane,
    known: readonly GenerationInfo[],
    end: Position,
    signal: AbortSignal,
  ) => {
    const fingerprint = fingerprintOf(lane.view);
    const own = known.filter((info) => info.generation < firstScratch);
    const isUsable = (info: GenerationInfo) =>
      info.fingerprint === fingerprint && !isAfter(info.checkpoint, end);
    if (builds.get(lane.view.name)?.over === false) return;
    const building = own.find((info) => info.state === 'building');
    if (building !== undefined && isUsable(building)) {
      await startBuild(lane, building, signal);
    } else if (lane.target === undefined) {
      const kept = own.find((info) => info.state === 'kept' && isUsable(info));
      if (kept === undefined) await newBuild(lane, signal);
      else await startBuild(lane, kept, signal);
    }
  };

  return {
    buildOf: (view) => builds.get(view),
    settled: async () => {
      await Promise.all([...builds.values()].map(({ finished }) => finished));
    },
    open: async (signal) => {
      // A build that is under way must not go live meanwhile.
      const opened = await exclusively(async () => {
        const infos = await store.generations();
        const head = await source.head();
        const all = lanes.map((lane) => ({ lane, known: ofView(lane.view, infos) }));
        // Side by side: queries wait for whoever takes over.
        await Promise.all(all.map(({ lane, known }) => openLane(lane, known, head)));
        return all.map((one) => ({ ...one, end: head.position }));
      });
      for (const { lane, known, end } of opened) {
        await dropScratch(lane, known);
        await buildIfDue(lane, known, end, signal);
      }
    },
    rebuild: async (lane, signal) => {
      const build = builds.get(lane.view.name);
      return build?.over === false ? build : newBuild(lane, signal);
    },
    rollback: async (lane) => {
      const kept = (await generationsOf(lane)).filter(({ state }) => state === 'kept').at(-1);
      if (kept === undefined) return {};
      if (kept.fingerprint !== fingerprintOf(lane.view)) {
        return { otherFingerprint: kept.fingerprint };
      }
      if (isAfter(kept.checkpoint, (await source.head()).position)) return { isAheadOfLog: true };
      const ref = { view: lane.view, generation: kept.generation };
      const target = await openTarget(store, ref);
      const reached = await bring(lane, target, kept.checkpoint);
      await goLive(lane, target, reached);
      return { generation: kept.generation };
    },
  };
}

/** In the order in which they were made. */
function ofView({ name }: View, infos: readonly GenerationInfo[]): GenerationInfo[] {
  return infos.filter(({ view }) => view === name).sort((a, b) => a.generation - b.generation);
}
