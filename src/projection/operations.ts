import { setTimeout as delay } from 'node:timers/promises';
import { create, fromJson, type Message, type JsonValue as ProtoJson } from '@bufbuild/protobuf';
import { timestampFromMs, ValueSchema } from '@bufbuild/protobuf/wkt';
import {
  DifferenceKind,
  type ListParkedEventsRequest,
  ListParkedEventsResponseSchema,
  ListProjectionsResponseSchema,
  type RebuildProjectionRequest,
  RebuildProjectionResponseSchema,
  type RetryParkedEventsRequest,
  RetryParkedEventsResponseSchema,
  type RollbackProjectionRequest,
  RollbackProjectionResponseSchema,
  type SkipParkedEventRequest,
  SkipParkedEventResponseSchema,
  type VerifyProjectionRequest,
  VerifyProjectionResponseSchema,
  type WatchProjectionsRequest,
  WatchProjectionsResponseSchema,
} from '../gen/cipherhorizon/platform/v1/operations_pb.ts';
import type { JsonValue } from '../kernel/json.ts';
import { isRejection, type Rejection, reject, rejectField } from '../kernel/rejection.ts';
import type { Call } from '../kernel/rpc.ts';
import { toToken } from '../kernel/token.ts';
import type { Target } from './apply.ts';
import type { Difference } from './compare.ts';
import { messageOf } from './decode.ts';
import type { Lane } from './lane.ts';
import { retryParked } from './parked.ts';
import type { Projector } from './projector.ts';
import { deriveStream, replayStream } from './replay.ts';
import { aheadOfLogText, progressOf, projectorStatus, statusesOf } from './status.ts';
import { verify } from './verify.ts';

const watchEveryMs = 1_000;
const reportEveryMs = 500;
/** Who asks for a rebuild is told when it has waited so long for a store; it goes on all the same. */
const rebuildWaitsMs = 15_000;

type Answers = AsyncGenerator<Message | Rejection, void>;

type Fed = { readonly lane: Lane; readonly target: Target };

const kinds = {
  unexpected: DifferenceKind.UNEXPECTED,
  missing: DifferenceKind.MISSING,
  changed: DifferenceKind.CHANGED,
} as const;

/** What operators can do with read models. Requests are authorised and validated before. */
export function createOperations(projector: Projector) {
  const { lanes, generations, parts } = projector;
  const { exclusively } = parts;

  const laneOf = (view: string): Lane | Rejection => {
    const lane = lanes.find((one) => one.view.name === view);
    if (lane !== undefined) return lane;
    const names = lanes.map((one) => one.view.name).join(', ');
    return rejectField('VIEW_UNKNOWN', 'view', `there is no view '${view}', but ${names}`);
  };

  /** The signal of its term, where this projector is the one that works. */
  const working = (): AbortSignal | Rejection => {
    const term = projector.term();
    if (term !== undefined) return term;
    if (projector.state() === 'standby') return standsBy(projector, 'has the lease');
    const reason = projector.lastError()?.message ?? 'they are opened';
    return reject(
      'UNAVAILABLE',
      'PROJECTOR_WAITS',
      `the projector waits for its stores: ${reason}`,
    );
  };

  const workedLane = (view: string): { lane: Lane; term: AbortSignal } | Rejection => {
    const lane = laneOf(view);
    if (isRejection(lane)) return lane;
    const term = working();
    return isRejection(term) ? term : { lane, term };
  };

  const fedLane = (view: string): (Fed & { readonly term: AbortSignal }) | Rejection => {
    const worked = workedLane(view);
    if (isRejection(worked)) return worked;
    const { lane, term } = worked;
    if (lane.aheadOfLog !== undefined) {
      const message = `${view} is ${aheadOfLogText(view)}`;
      return reject('PRECONDITION', 'VIEW_AHEAD_OF_LOG', message);
    }
    if (lane.target !== undefined) return { lane, term, target: lane.target };
    const message = `${view} has no live generation of this version yet: it is being built`;
    return reject('PRECONDITION', 'VIEW_NOT_LIVE', message);
  };

  const statuses = async (view = '') => {
    const chosen = lanes.filter((lane) => view === '' || lane.view.name === view);
    const projections = await statusesOf(projector, chosen);
    return { projections, projector: projectorStatus(projector) };
  };

  const replay = ({ lane, target }: Fed, stream: string) =>
    lane.view.derived === undefined
      ? replayStream({
          ...parts,
          target,
          stream,
          types: parts.typesOf(lane),
          until: lane.checkpoint,
        })
      : deriveStream({ ...parts, lane, target, stream });

  /** What could not be computed, once more. */
  const deriveParked = async ({ lane, target }: Fed, documentId: string) => {
    const ids = documentId === '' ? [...target.parked.keys()] : [documentId];
    parts.derivers.of(lane, target).recompute(ids);
    await parts.derivers.settle(lane, target);
    const stillParked = ids.filter((id) => target.parked.has(id)).length;
    const sums = { applied: BigInt(ids.length - stillParked), stillParked: BigInt(stillParked) };
    return create(RetryParkedEventsResponseSchema, sums);
  };

  const retryOne = (fed: Fed, documentId: string, skip: boolean) =>
    retryParked({
      ...parts,
      target: fed.target,
      documentId,
      skip,
      replay: (stream) => replay(fed, stream),
    });

  async function* watch({ view }: WatchProjectionsRequest, call: Call): Answers {
    const lane = view === '' ? undefined : laneOf(view);
    if (isRejection(lane)) return yield lane;
    let last = '';
    while (!call.signal.aborted) {
      const now = await statuses(view);
      const { worker, lastError } = now.projector;
      const seen = now.projections.map((one) => [one.position, one.state, one.lagEvents]);
      const text = [worker, lastError, ...seen].join();
      if (text !== last) yield create(WatchProjectionsResponseSchema, now);
      last = text;
      await delay(watchEveryMs, undefined, { signal: call.signal }).catch(() => undefined);
    }
  }

  async function* rebuild({ view, stream }: RebuildProjectionRequest, call: Call): Answers {
    if (stream !== '') {
      const fed = fedLane(view);
      if (isRejection(fed)) return yield fed;
      const documents = await exclusively(() => replay(fed, stream));
      return yield create(RebuildProjectionResponseSchema, { documents: [...documents] });
    }
    const worked = workedLane(view);
    if (isRejection(worked)) return yield worked;
    const build = await generations.rebuild(worked.lane, worked.term);
    const over = build.finished.then(() => true);
    for (let isOver = false; !isOver && !call.signal.aborted; ) {
      yield create(RebuildProjectionResponseSchema, { progress: progressOf(build) });
      isOver = await Promise.race([over, delay(reportEveryMs, false)]);
      const { waiting } = build;
      if (!isOver && waiting !== undefined && parts.now() - waiting.at > rebuildWaitsMs) {
        const why = messageOf(waiting.cause);
        const message = `the rebuild of ${view} waits: ${why}. It goes on when that has passed`;
        return yield reject('UNAVAILABLE', 'REBUILD_WAITS', message);
      }
    }
    if (build.error !== undefined) {
      const message = `${view}: the rebuild stopped: ${String(build.error.cause)}; the live one stays`;
      return yield reject('PRECONDITION', 'REBUILD_FAILED', message);
    }
    if (build.over && !build.switched)
      return yield leaseLost(projector, 'goes on with the rebuild');
    yield create(RebuildProjectionResponseSchema, { progress: progressOf(build) });
  }

  async function* verifyView({ view }: VerifyProjectionRequest, call: Call): Answers {
    const fed = fedLane(view);
    if (isRejection(fed)) return yield fed;
    const { lane, term, target: live } = fed;
    const types = parts.typesOf(lane);
    const signal = AbortSignal.any([call.signal, term]);
    const steps = verify({ ...parts, lane, live, types, signal });
    let isDone = false;
    for await (const step of steps) {
      if (step === 'overtaken') {
        const message = `another generation of ${view} has gone live meanwhile: verify it again`;
        return yield reject('PRECONDITION', 'GENERATION_CHANGED', message);
      }
      isDone = step.done;
      yield create(VerifyProjectionResponseSchema, {
        eventsDone: BigInt(step.eventsDone),
        eventsTotal: BigInt(step.eventsTotal),
        documentsCompared: BigInt(step.compared),
        differences: BigInt(step.differences),
        documents: step.documents.map(toDifference),
        done: step.done,
      });
    }
    if (!isDone && term.aborted) yield leaseLost(projector, 'can verify it');
  }

  const rollback = async ({ view }: RollbackProjectionRequest): Promise<Message | Rejection> => {
    const worked = workedLane(view);
    if (isRejection(worked)) return worked;
    const found = await generations.rollback(worked.lane);
    const { generation, otherFingerprint, isAheadOfLog } = found;
    if (generation !== undefined) return create(RollbackProjectionResponseSchema, { generation });
    if (isAheadOfLog === true) {
      const message = `the generation before of ${view} has events that the log has not: rebuild it`;
      return reject('PRECONDITION', 'VIEW_AHEAD_OF_LOG', message);
    }
    if (otherFingerprint === undefined) {
      const message = `${view} has no generation before the live one`;
      return reject('PRECONDITION', 'NOTHING_TO_ROLL_BACK_TO', message);
    }
    const message =
      `the generation before was made by another version of ${view} (${otherFingerprint}), ` +
      'which this one cannot bring up to date: run the version that made it';
    return reject('PRECONDITION', 'GENERATION_OF_OTHER_VERSION', message);
  };

  const parked = async ({ view }: ListParkedEventsRequest): Promise<Message | Rejection> => {
    const chosen = view === '' ? undefined : laneOf(view);
    if (isRejection(chosen)) return chosen;
    const term = working();
    if (isRejection(term)) return term;
    const events = [];
    for (const lane of chosen === undefined ? lanes : [chosen]) {
      if (lane.target === undefined) continue;
      for (const { parkedAt, position, revision, ...event } of await parts.store.parked(
        lane.target.ref,
      )) {
        const view_ = lane.view.name;
        events.push({
          ...event,
          view: view_,
          position: toToken(position),
          revision: BigInt(revision),
          parkedAt: timestampFromMs(parkedAt),
        });
      }
    }
    return create(ListParkedEventsResponseSchema, { events });
  };

  const retry = async (request: RetryParkedEventsRequest): Promise<Message | Rejection> => {
    const fed = fedLane(request.view);
    if (isRejection(fed)) return fed;
    if (fed.lane.view.derived !== undefined) {
      return exclusively(() => deriveParked(fed, request.documentId));
    }
    return exclusively(async () => {
      const ids = request.documentId === '' ? [...fed.target.parked.keys()] : [request.documentId];
      let applied = 0;
      let stillParked = 0;
      for (const id of ids) {
        const result = await retryOne(fed, id, false);
        applied += result.applied;
        stillParked += result.stillParked;
      }
      const sums = { applied: BigInt(applied), stillParked: BigInt(stillParked) };
      return create(RetryParkedEventsResponseSchema, sums);
    });
  };

  const skip = async (request: SkipParkedEventRequest): Promise<Message | Rejection> => {
    const fed = fedLane(request.view);
    if (isRejection(fed)) return fed;
    if (fed.lane.view.derived !== undefined) {
      const message = `${request.view} is derived from other views: it has no event to skip`;
      return reject('PRECONDITION', 'VIEW_DERIVED', message);
    }
    if (!fed.target.parked.has(request.documentId)) {
      const message = `no event of the document '${request.documentId}' is parked`;
      return reject('NOT_FOUND', 'PARKED_EVENT_NOT_FOUND', message);
    }
    return exclusively(async () => {
      const { applied, stillParked } = await retryOne(fed, request.documentId, true);
      const sums = { applied: BigInt(applied), stillParked: BigInt(stillParked) };
      return create(SkipParkedEventResponseSchema, sums);
    });
  };

  return {
    list: async () => create(ListProjectionsResponseSchema, await statuses()),
    watch,
    rebuild,
    verify: verifyView,
    rollback,
    parked,
    retry,
    skip,
  };
}

function standsBy({ name, worker }: Projector, why: string): Rejection {
  const other = worker() ?? 'another one';
  const message = `the projector ${name} stands by: ${other} ${why}, ask that one`;
  return reject('PRECONDITION', 'PROJECTOR_STANDS_BY', message, { details: { worker: other } });
}

function leaseLost({ name, worker }: Projector, instead: string): Rejection {
  const other = worker() ?? 'the one that has it now';
  const message = `the projector ${name} has lost its lease: ${other} ${instead}`;
  return reject('UNAVAILABLE', 'LEASE_LOST', message);
}

function toDifference({ documentId, kind, fields }: Difference) {
  const value = (json: JsonValue) => fromJson(ValueSchema, json as ProtoJson);
  return {
    documentId,
    kind: kinds[kind],
    fields: fields.map(({ field, live, replayed }) => ({
      field,
      // One that is absent has no value, not even null.
      ...(live === undefined ? {} : { live: value(live) }),
      ...(replayed === undefined ? {} : { replayed: value(replayed) }),
    })),
  };
}
