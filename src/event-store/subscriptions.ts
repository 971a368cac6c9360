import { setImmediate as nextTurn } from 'node:timers/promises';
import type { ReadResp } from '@eventstore/db-client/generated/streams_pb.js';
import { caughtUp, checkpoint, confirmation, eventAnswer, fellBehind } from './answers.ts';
import { handlerFailure, streamDeleted } from './errors.ts';
import { type ReadView, tombstone, type WireLog } from './log.ts';
import type { FilterOptions, ReadRequest } from './read-request.ts';
import { originalEvent, type ResolvedEvent, readForwards, resolve } from './reading.ts';
import { lastRevisionOf } from './writing.ts';

const pageSize = 500;
/** How many positions one page looks at when a filter lets few events pass. */
const windowSize = 5_000;

type OfStream = Extract<ReadRequest, { kind: 'stream' }>;
type OfAll = Extract<ReadRequest, { kind: 'all' }>;
type Answers = AsyncGenerator<ReadResp, void, void>;

/** What is in a stream after a revision, then what comes; until the stream is deleted for good. */
export async function* subscribeToStream(
  log: WireLog,
  request: OfStream,
  signal: AbortSignal,
): Answers {
  const { stream, structuredIds } = request;
  const opened = await log.read((view) => ({
    head: view.head(),
    last: lastRevisionOf(view, stream),
  }));
  yield confirmation();
  let { head } = opened;
  let after = afterOf(request.from, opened.last);
  let isLive = after >= opened.last && opened.last !== tombstone;
  if (isLive) yield caughtUp();
  while (!signal.aborted) {
    if (isLive) await log.moved(head, signal);
    if (signal.aborted) return;
    const slice = await log.read((view) => {
      const page = isLive ? liveSlice(view, request, after) : oldSlice(view, request, after);
      return { ...page, head: view.head() };
    });
    head = slice.head;
    if (isLive && slice.next !== undefined) {
      isLive = false;
      yield fellBehind();
    }
    for (const event of slice.events) yield eventAnswer(event, structuredIds);
    const last = slice.events.at(-1);
    if (last !== undefined) after = originalEvent(last).revision;
    if (slice.isDeleted || after === tombstone) throw streamDeleted(stream);
    if (slice.next !== undefined) {
      after = Math.max(after, slice.next - 1);
      await nextTurn();
    } else if (!isLive) {
      isLive = true;
      yield caughtUp();
    }
  }
}

type Slice = {
  readonly events: readonly ResolvedEvent[];
  readonly next: number | undefined;
  readonly isDeleted: boolean;
};

/** Events of before are those that a read of the stream gives. */
function oldSlice(view: ReadView, { stream, resolveLinks }: OfStream, after: number): Slice {
  const read = { stream, from: after + 1, limit: pageSize, resolveLinks, now: Date.now() };
  const slice = readForwards(view, read);
  if (slice.kind === 'found') return { ...slice, isDeleted: false };
  return { events: [], next: undefined, isDeleted: slice.kind === 'deleted' };
}

/** New events are all given, the one that deletes the stream too, whatever its metadata say. */
function liveSlice(view: ReadView, { stream, resolveLinks }: OfStream, after: number): Slice {
  const bounds = { first: after + 1, last: tombstone, limit: pageSize };
  const page = view.streamPage({ stream, direction: 'forwards', ...bounds });
  const now = Date.now();
  const events = page.events.map((event) => resolve(view, event, resolveLinks, now));
  const last = page.events.at(-1);
  const next = page.isCut && last !== undefined ? last.revision + 1 : undefined;
  return { events, next, isDeleted: false };
}

/** The log after a position, then what comes; with a filter, how far it is from time to time. */
export async function* subscribeToAll(log: WireLog, request: OfAll, signal: AbortSignal): Answers {
  const { resolveLinks, structuredIds, filter } = request;
  if (filter !== undefined && filter.checkpointInterval < 1) {
    throw handlerFailure('ArgumentOutOfRangeException: checkpointIntervalMultiplier');
  }
  const opened = await log.read((view) => view.head());
  yield confirmation();
  let after = Math.max(0, afterOf(request.from, opened));
  let isLive = after >= opened;
  if (isLive) yield caughtUp();
  const progress = createProgress(filter, after);
  while (!signal.aborted) {
    if (isLive) await log.moved(after, signal);
    if (signal.aborted) return;
    const page = await log.read((view) => readPage(view.head(), view));
    if (isLive && page.to < page.head) {
      isLive = false;
      yield fellBehind();
      yield* progress.fellBehind();
    }
    yield* progress.deliver(page, structuredIds);
    after = page.to;
    if (page.to < page.head) {
      await nextTurn();
    } else if (!isLive) {
      isLive = true;
      yield* progress.atTail();
      yield caughtUp();
    }
  }

  function readPage(head: number, view: ReadView): AllPage {
    const reach = filter === undefined ? head : Math.min(head, after + windowSize);
    const bounds = { first: after + 1, last: reach, limit: pageSize };
    const found = view.allPage({ direction: 'forwards', ...bounds, filter: filter?.filter });
    const now = Date.now();
    const events = found.events.map((event) => resolve(view, event, resolveLinks, now));
    const end = found.isCut ? found.events.at(-1)?.position : undefined;
    return { events, from: after, to: end ?? Math.max(after, reach), head };
  }
}

/** Events from the position after `from` to `to`. */
type AllPage = {
  readonly events: readonly ResolvedEvent[];
  readonly from: number;
  readonly to: number;
  readonly head: number;
};

/** Sends events, and after every so many positions that were looked at, how far that is. */
function createProgress(filter: FilterOptions | undefined, start: number) {
  let lastSent = start;
  let lastCheckpoint = -1;
  let considered = 0;

  function* deliver({ events, from, to }: AllPage, structuredIds: boolean): Generator<ReadResp> {
    let at = from;
    for (const event of events) {
      const { position } = originalEvent(event);
      yield* advance(position - 1 - at, position - 1);
      yield eventAnswer(event, structuredIds);
      lastSent = position;
      yield* advance(1, position);
      at = position;
    }
    yield* advance(to - at, to);
  }

  /** `count` more positions were looked at, the last of which is `to`. */
  function* advance(count: number, to: number): Generator<ReadResp> {
    if (filter === undefined) return;
    const { checkpointInterval } = filter;
    for (considered += count; considered >= checkpointInterval; ) {
      considered -= checkpointInterval;
      yield* tell(to - considered);
    }
  }

  /** Who has caught up is told how far that is; from here on it is counted anew. */
  function* atTail(): Generator<ReadResp> {
    considered = 0;
    yield* tell(lastSent);
  }

  function* tell(position: number): Generator<ReadResp> {
    if (filter === undefined || position <= lastCheckpoint) return;
    lastCheckpoint = position;
    lastSent = Math.max(lastSent, position);
    yield checkpoint(position);
  }

  return { deliver, atTail, fellBehind: () => tell(lastSent) };
}

function afterOf(from: ReadRequest['from'], last: number): number {
  if (from === 'start') return -1;
  return from === 'end' ? last : from;
}
