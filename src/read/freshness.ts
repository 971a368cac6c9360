import { create } from '@bufbuild/protobuf';
import { durationMs, timestampFromMs } from '@bufbuild/protobuf/wkt';
import {
  type Freshness,
  FreshnessSchema,
  type ReadConsistency,
} from '../gen/cipherhorizon/platform/v1/metadata_pb.ts';
import { comparePositions, isAfter, type Position } from '../kernel/position.ts';
import { type Rejection, reject, rejectField } from '../kernel/rejection.ts';
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

/** What the query asks of its age, by its field, else by headers; undefined where it asks nothing. */
export function wishOf(
  field: ReadConsistency | undefined,
  header: Call['header'],
): Wish | Rejection | undefined {
  const inField = field?.atLeastAsFreshAs ?? '';
  const token = inField === '' ? (header(tokenHeader) ?? '') : inField;
  if (token === '') return undefined;
  const position = fromToken(token);
  if (position === undefined) {
    const at = inField === '' ? tokenHeader : 'consistency.at_least_as_fresh_as';
    return rejectField('TOKEN_INVALID', at, `'${token.slice(0, 100)}' is not a consistency token`);
  }
  if (field?.patience !== undefined) return { position, patienceMs: durationMs(field.patience) };
  const patience = header(patienceHeader);
  if (patience === undefined) return { position, patienceMs: defaultPatienceMs };
  const patienceMs = /^\d{1,5}$/.test(patience) ? Number(patience) : Number.NaN;
  if (patienceMs <= mostPatienceMs) return { position, patienceMs };
  const message = `'${patience.slice(0, 100)}' is no number of milliseconds up to ${mostPatienceMs}`;
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
    const leftMs = (deadlineMs ?? Number.POSITIVE_INFINITY) - now() - marginMs;
    const timeoutMs = Math.min(wish.patienceMs, leftMs);
    const options = { timeoutMs, slowestMs: slowestMs.wait, signal };
    waiting += 1;
    try {
      await Promise.all(behind.map(({ view }) => until(view, reached, options)));
    } finally {
      waiting -= 1;
    }
    const vector = await readVector(views, read);
    const late = vector.filter(({ progress }) => !reached(progress));
    return late.length === 0 ? vector : notFreshEnough(furthestBehind(late), wish);
  };
}

function notFreshEnough({ view, progress }: Vector[number], wish: Wish): Rejection {
  const asked = toToken(wish.position);
  const reached = toToken(progress.position);
  const events = progress.lagEvents === undefined ? '' : ` (${progress.lagEvents} events)`;
  return reject(
    'UNAVAILABLE',
    'NOT_FRESH_ENOUGH',
    `the view '${view.name}' has reached ${reached === '' ? 'nothing yet' : reached}, not ${asked}, ` +
      `within ${wish.patienceMs} ms; it is ${progress.lagSeconds} s${events} behind the log`,
    {
      details: {
        view: view.name,
        asked,
        reached,
        lag_seconds: String(progress.lagSeconds),
        ...(progress.lagEvents !== undefined && { lag_events: String(progress.lagEvents) }),
      },
    },
  );
}

/** An answer is as fresh as the view that is furthest behind. */
export function freshnessOf(vector: Vector): Freshness {
  const { progress } = furthestBehind(vector);
  return create(FreshnessSchema, {
    token: toToken(progress.position),
    lagSeconds: progress.lagSeconds,
    ...(progress.asOf > 0 && { asOf: timestampFromMs(progress.asOf) }),
    ...(progress.lagEvents !== undefined && { lagEvents: BigInt(progress.lagEvents) }),
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
