import { setTimeout as delay } from 'node:timers/promises';
import { create, type MessageInitShape } from '@bufbuild/protobuf';
import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import {
  ProjectionState,
  type ProjectionStatus,
  ProjectionStatusSchema,
  type ProjectorStatus,
  ProjectorStatusSchema,
  RebuildProgressSchema,
} from '../gen/cipherhorizon/platform/v1/operations_pb.ts';
import { StoreFault } from '../kernel/fault.ts';
import type { Gauge } from '../kernel/telemetry.ts';
import { toToken } from '../kernel/token.ts';
import { messageOf } from './decode.ts';
import { fingerprintOf } from './fingerprint.ts';
import type { Build } from './generations.ts';
import { type Lane, openTarget } from './lane.ts';
import type { Projector } from './projector.ts';
import type { GenerationInfo, GenerationRef, ReadModelStore } from './read-model-store.ts';

/** In an answer: the store cannot tell cheaply how many events are left, or is away. */
const notCounted = -1;
/** How long the documents of a view are counted, when somebody waits for the answer. */
const countWithinMs = 5_000;

const stateOf = {
  waiting: ProjectionState.WAITING,
  'catching up': ProjectionState.CATCHING_UP,
  live: ProjectionState.LIVE,
  standby: ProjectionState.STANDBY,
  stopped: ProjectionState.STOPPED,
} as const;

/** What concerns all views. */
export function projectorStatus(projector: Projector): ProjectorStatus {
  const error = projector.lastError();
  return create(ProjectorStatusSchema, {
    name: projector.name,
    state: stateOf[projector.state()],
    worker: projector.worker() ?? '',
    ...(error !== undefined && {
      lastError: error.message,
      lastErrorAt: timestampFromMs(error.at),
    }),
  });
}

/** Of each view, whatever the state of its store: a fault of that is part of the status. */
export async function statusesOf(
  projector: Projector,
  lanes: readonly Lane[],
): Promise<ProjectionStatus[]> {
  if (projector.state() !== 'standby') {
    return Promise.all(lanes.map((lane) => statusOf(projector, lane)));
  }
  const { now, store } = projector.parts;
  const failing = (lane: Lane) => (error: unknown) =>
    create(ProjectionStatusSchema, {
      ...{ view: lane.view.name, state: ProjectionState.STANDBY },
      ...{ lagEvents: BigInt(notCounted), documents: BigInt(notCounted) },
      ...{ lastError: faultText(error), lastErrorAt: timestampFromMs(now()) },
    });
  try {
    const live = (await store.generations()).filter(({ state }) => state === 'live');
    return await Promise.all(
      lanes.map((lane) => {
        const info = live.find(({ view }) => view === lane.view.name);
        return standbyStatusOf(projector, lane, info).catch(failing(lane));
      }),
    );
  } catch (error) {
    return lanes.map((lane) => failing(lane)(error));
  }
}

/** What a fault of a store says. @throws the error where it is none */
function faultText(error: unknown): string {
  if (error instanceof StoreFault) return error.message;
  throw error;
}

/** How many documents a generation has, or why that cannot be told now. */
async function countOf(
  store: ReadModelStore,
  ref: GenerationRef,
): Promise<{ readonly documents: number; readonly fault?: string }> {
  const stop = new AbortController();
  const late = delay(countWithinMs, undefined, { signal: stop.signal }).then(
    () => {
      const fault = `the documents of "${ref.view.name}" were not counted in time`;
      return { documents: notCounted, fault };
    },
    () => ({ documents: notCounted }),
  );
  const counted = store.count(ref).then(
    (documents) => ({ documents }),
    (error: unknown) => ({ documents: notCounted, fault: faultText(error) }),
  );
  try {
    return await Promise.race([counted, late]);
  } finally {
    stop.abort();
  }
}

/** What another projector does, as far as the stores tell. */
async function standbyStatusOf(
  { parts: { source, store } }: Projector,
  { view }: Lane,
  info: GenerationInfo | undefined,
): Promise<ProjectionStatus> {
  const status = { view: view.name, state: ProjectionState.STANDBY };
  if (info === undefined) return create(ProjectionStatusSchema, status);
  const { checkpoint, generation, fingerprint } = info;
  const ref = { view, generation };
  return create(ProjectionStatusSchema, {
    ...status,
    position: toToken(checkpoint),
    lagEvents: BigInt((await source.countAfter(checkpoint)) ?? notCounted),
    generation,
    fingerprint,
    documents: BigInt(await store.count(ref)),
    parkedDocuments: BigInt((await openTarget(store, ref)).parked.size),
  });
}

async function statusOf(projector: Projector, lane: Lane): Promise<ProjectionStatus> {
  const { store } = projector.parts;
  const { lagEvents, lagSeconds, eventsPerSecond, heartbeatAt } = projector.statusOf(lane);
  const build = projector.generations.buildOf(lane.view.name);
  const { documents, fault } =
    lane.target === undefined ? { documents: 0 } : await countOf(store, lane.target.ref);
  const init: MessageInitShape<typeof ProjectionStatusSchema> = {
    view: lane.view.name,
    state: stateOfLane(projector, lane),
    position: toToken(lane.checkpoint),
    lagEvents: BigInt(lagEvents ?? notCounted),
    lagSeconds,
    eventsPerSecond,
    generation: lane.target?.ref.generation ?? 0,
    fingerprint: fingerprintOf(lane.view),
    documents: BigInt(documents),
    parkedDocuments: BigInt(lane.target?.parked.size ?? 0),
    synchronisation: describe(lane),
    ...batchOf(projector, lane),
  };
  if (heartbeatAt > 0) init.heartbeatAt = timestampFromMs(heartbeatAt);
  // What concerned all of them is over for one that is live.
  const error = init.state === ProjectionState.LIVE ? undefined : projector.lastError();
  if (error !== undefined) {
    init.lastError = error.message;
    init.lastErrorAt = timestampFromMs(error.at);
  }
  if (fault !== undefined) {
    init.lastError = fault;
    init.lastErrorAt = timestampFromMs(projector.parts.now());
    // The projector finds out a moment later.
    if (init.state === ProjectionState.LIVE) init.state = ProjectionState.WAITING;
  }
  if (lane.aheadOfLog !== undefined) {
    init.lastError = aheadOfLogText('<view>');
    init.lastErrorAt = timestampFromMs(lane.aheadOfLog.at);
  }
  const failed = build?.error ?? build?.waiting;
  if (failed !== undefined) {
    init.lastError = `rebuild: ${messageOf(failed.cause)}`;
    init.lastErrorAt = timestampFromMs(failed.at);
  }
  if (build?.over === false) init.rebuild = progressOf(build);
  return create(ProjectionStatusSchema, init);
}

function stateOfLane(projector: Projector, lane: Lane): ProjectionState {
  const state = projector.state();
  const follows = state === 'live' || state === 'catching up';
  if (follows && lane.aheadOfLog !== undefined) return ProjectionState.FAILED;
  return follows && lane.target === undefined ? ProjectionState.CATCHING_UP : stateOf[state];
}

/** What is wrong, and what an operator can do: of every view in the same words, to be told once. */
export function aheadOfLogText(view: string): string {
  return (
    'ahead of the log: it has events that the log had not when the projector looked, as an older ' +
    'log was restored. Nothing is applied to it until it is built again: ' +
    `horizon projection rebuild ${view}`
  );
}

export function progressOf(build: Build) {
  const left = Math.max(0, build.total - build.done);
  return create(RebuildProgressSchema, {
    generation: build.generation,
    eventsDone: BigInt(build.done),
    eventsTotal: BigInt(build.total),
    eventsPerSecond: build.eventsPerSecond,
    secondsLeft: build.eventsPerSecond > 0 ? left / build.eventsPerSecond : 0,
    switched: build.switched,
  });
}

function describe({ view, synchronisation }: Lane): string {
  if (view.derived !== undefined) return `DERIVED of ${view.derived.of.name}`;
  if (synchronisation.mode === 'eventual') return 'EVENTUAL';
  return `BATCH ${synchronisation.size} events or ${synchronisation.waitMs} ms`;
}

function batchOf(projector: Projector, { synchronisation }: Lane) {
  if (synchronisation.mode === 'batch') {
    return { batchSize: synchronisation.size, batchWaitMs: synchronisation.waitMs };
  }
  const { size, waitMs } = projector.live.batching();
  return { batchSize: size, batchWaitMs: waitMs };
}

/** Lag, rate and parked documents of each view, for Prometheus. */
export function projectionGauges(projector: Projector): readonly Gauge[] {
  const gauge = (name: string, help: string, read: (lane: Lane) => number): Gauge => ({
    name,
    help,
    labels: ['view'],
    // One that stands by has nothing to say of them.
    collect: () =>
      projector.term() === undefined
        ? []
        : projector.lanes.map((lane) => ({ labels: [lane.view.name], value: read(lane) })),
  });
  const { statusOf: seen } = projector;
  return [
    gauge(
      'projection_lag_events',
      'Events not applied.',
      (lane) => seen(lane).lagEvents ?? Number.NaN,
    ),
    gauge(
      'projection_lag_seconds',
      'Age of the oldest event that is not applied.',
      (lane) => seen(lane).lagSeconds,
    ),
    gauge('projection_events_applied', 'Events applied since the start.', (lane) => lane.applied),
    gauge(
      'projection_parked_documents',
      'Documents with parked events.',
      (lane) => lane.target?.parked.size ?? 0,
    ),
    gauge(
      'projection_heartbeat_seconds',
      'When the view was last looked after, seconds since 1970.',
      (lane) => seen(lane).heartbeatAt / 1000,
    ),
  ];
}
