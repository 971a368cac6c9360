import { create } from '@bufbuild/protobuf';
import { durationMs, timestampFromMs } from '@bufbuild/protobuf/wkt';
import {
  type Freshness,
  FreshnessSchema,
  type ReadConsistency,
} from '../gen/cipherhorizon/platform/v1/metadata_pb.ts';
import { refuseOtherInHeader } from '../kernel/header-twin.ts';
import { comparePositions, isAfter, type Position } from '../kernel/position.ts';
import { isRejection, type Rejection, reject, rejectField } from '../kernel/rejection.ts';
import type { Call } from '../kernel/rpc.ts';
import { fromToken, toToken } from '../kernel/token.ts';
import { slowestMs, type Until } from './polling.ts';
import type { ReadModel, ViewProgress } from './read-models.ts';

/** How far each view of a query was, in the order of its handler's `views`. */
export type Vector = readonly { readonly view: ReadModel; readonly progress: ViewProgress }[];

export type ReadProgress = (model: ReadModel) => Promise<ViewProgress>;

/** "At least as fresh as", and how long to wait for it. */
export type Wish = { readonly position: Position; readonly patienceMs: number };

export const tokenHeader = 'x-consistency-token';
export const patienceHeader = 'x-consistency-patience-ms';

const defaultPatienceMs = 5_000;
const mostPatienceMs = 30_000;
/** What is kept of a caller's deadline to tell it in time that the view is behind. */
const marginMs = 25;

const tokenField = 'consistency.at_least_as_fresh_as';
const patienceField = 'consistency.patience';

/** What the query asks of its age, by its field or by headers; undefined where it asks nothing. */
export function wishOf(
  field: ReadConsistency | undefined,
  header: Call['header'],
): Wish | Rejection | undefined {
  const inField = field?.atLeastAsFreshAs ?? '';
  const token = inField === '' ? (header(tokenHeader) ?? '') : inField;
  if (token === '') return undefined;
  const other = refuseOtherInHeader(tokenField, token, tokenHeader, header(tokenHeader));
  if (other !== undefined) return other;
  const position = fromToken(token);
  if (position === undefined) {
    const at = inField === '' ? tokenHeader : tokenField;
    const message =
      `${at} is '${token.slice(0, 100)}', which is no consistency token: it is to be ` +
      'as a receipt or an answer has given it';
    return rejectField('TOKEN_INVALID', at, message);
  }
  const patienceMs = patienceOf(field, header);
  return isRejection(patienceMs) ? patienceMs : { position, patienceMs };
}

function patienceOf(
  field: ReadConsistency | undefined,
  header: Call['header'],
): number | Rejection {
  const inHeader = header(patienceHeader);
  if (field?.patience !== undefined) {
    const inField = durationMs(field.patience);
    const other = refuseOtherInHeader(patienceField, String(inField), patienceHeader, inHeader);
    return other ?? inField;
  }
  if (inHeader === undefined) return defaultPatienceMs;
  const patienceMs = /^\d{1,5}$/.test(inHeader) ? Number(inHeader) : Number.NaN;
  if (patienceMs <= mostPatienceMs) return patienceMs;
  const message =
    `${patienceHeader} is '${inHeader.slice(0, 100)}'; it has to be a whole number of ` +
    `milliseconds from 0 to ${mostPatienceMs}`;
  return rejectField('PATIENCE_INVALID', patienceHeader, message);
}

export async function readVector(views: readonly ReadModel[], read: ReadProgress): Promise<Vector> {
  return Promise.all(views.map(async (view) => ({ view, progress: await read(view) })));
}

export type FreshnessWait = (
  views: readonly ReadModel[],
  wish: Wish,
  call: Call,
) => Promise<Vector | Rejection>;

/** Waits until all views have got where the wish is; or says which one has not, and how far it is. */
export function createFreshnessWait(
  read: ReadProgress,
  until: Until,
  { now, mostWaiting }: { readonly now: () => number; readonly mostWaiting: number },
): FreshnessWait {
  let waiting = 0;
  return async (views, wish, { signal, deadlineMs }) => {
    const reached = (progress: ViewProgress) => !isAfter(wish.position, progress.position);
    const first = await readVector(views, read);
    const behind = first.filter(({ progress }) => !reached(progress));
    if (behind.length === 0) return first;
    if (waiting >= mostWaiting) {
      return reject('OVERLOADED', 'TOO_MANY_WAITING', 'too many queries wait for a view already');
    }
    const startedAt = now();
    const leftMs = (deadlineMs ?? Number.POSITIVE_INFINITY) - startedAt - marginMs;
    const timeoutMs = Math.max(0, Math.min(wish.patienceMs, leftMs));
    const options = { timeoutMs, slowestMs: slowestMs.wait, signal };
    waiting += 1;
    try {
      await Promise.all(behind.map(({ view }) => until(view, reached, options)));
    } finally {
      waiting -= 1;
    }
    const vector = await readVector(views, read);
    const late = vector.filter(({ progress }) => !reached(progress));
    if (late.length === 0) return vector;
    return notFreshEnough(furthestBehind(late), wish, { startedAt, timeoutMs, nowMs: now() });
  };
}

type Waited = { readonly startedAt: number; readonly timeoutMs: number; readonly nowMs: number };

function notFreshEnough({ view, progress }: Vector[number], wish: Wish, waited: Waited): Rejection {
  const asked = toToken(wish.position);
  const reached = toToken(progress.position);
  const isBeyond = isBeyondLog(progress, waited);
  return reject(
    'UNAVAILABLE',
    'NOT_FRESH_ENOUGH',
    `the view '${view.name}' has reached ${reached === '' ? 'nothing yet' : reached}, not ${asked}, ` +
      `within ${waitText(wish, waited)}; ` +
      (isBeyond
        ? 'it has applied all of the log: the token lies beyond its end, as one of another log may'
        : lagText(progress, waited)),
    {
      details: {
        view: view.name,
        asked,
        reached,
        lag_seconds: String(progress.lagSeconds),
        ...(progress.lagEvents !== undefined && { lag_events: String(progress.lagEvents) }),
        ...(isBeyond && { beyond_log: 'true' }),
      },
    },
  );
}

/** The token was there before the wait; at a heartbeat since then nothing in the log was left. */
function isBeyondLog({ lagEvents = 0, lagSeconds, heartbeatAt }: ViewProgress, waited: Waited) {
  return lagEvents === 0 && lagSeconds === 0 && heartbeatAt > waited.startedAt;
}

function waitText({ patienceMs }: Wish, { timeoutMs }: Waited): string {
  if (timeoutMs === patienceMs) return `${patienceMs} ms`;
  const left = `the ${Math.floor(timeoutMs)} ms that the deadline of the call left`;
  return `${left} of a patience of ${patienceMs} ms`;
}

/** The lag is as old as the heartbeat: that of a projector that has died stays as it was. */
function lagText({ lagEvents, lagSeconds, heartbeatAt }: ViewProgress, { nowMs }: Waited): string {
  if (heartbeatAt <= 0) return 'nothing has been heard of its projector';
  const secondsAgo = Math.max(0, Math.round((nowMs - heartbeatAt) / 100) / 10);
  const events = lagEvents === undefined ? '' : ` (${lagEvents} events)`;
  return `${secondsAgo} s ago it was ${lagSeconds} s${events} behind the log`;
}

/** An answer is as fresh as the view that is furthest behind. */
export function freshnessOf(vector: Vector): Freshness {
  const { progress } = furthestBehind(vector);
  return create(FreshnessSchema, {
    token: toToken(progress.position),
    lagSeconds: progress.lagSeconds,
    ...(progress.asOf > 0 && { asOf: timestampFromMs(progress.asOf) }),
    ...(progress.lagEvents !== undefined && { lagEvents: BigInt(progress.lagEvents) }),
    ...(progress.heartbeatAt > 0 && { lagAsOf: timestampFromMs(progress.heartbeatAt) }),
    parkedDocuments: vector.reduce((sum, one) => sum + (one.progress.parkedDocuments ?? 0), 0),
  });
}

function furthestBehind(vector: Vector): Vector[number] {
  return vector.reduce((a, b) => {
    const order = comparePositions(a.progress.position, b.progress.position);
    if (order !== 0) return order < 0 ? a : b;
    return a.progress.lagSeconds >= b.progress.lagSeconds ? a : b;
  });
}

/** A vector as text: a generation and a position for each view, for two are told apart by both. */
export function vectorKey(vector: Vector): string {
  return vector.map(({ progress }) => progressKey(progress)).join(' ');
}

export function progressKey({ generation, position }: ViewProgress): string {
  return `${generation}:${position.commit}.${position.prepare}`;
}
