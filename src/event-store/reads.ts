import { setImmediate as nextTurn } from 'node:timers/promises';
import type { ReadResp } from '@eventstore/db-client/generated/streams_pb.js';
import { eventAnswer, firstStreamPosition, lastStreamPosition, streamNotFound } from './answers.ts';
import { streamDeleted } from './errors.ts';
import type { AllPageRequest, WireLog } from './log.ts';
import type { ReadRequest } from './read-request.ts';
import {
  originalEvent,
  type ResolvedEvent,
  readBackwards,
  readForwards,
  resolve,
  type StreamRead,
  type StreamSlice,
} from './reading.ts';

const pageSize = 500;
/** How many positions one page looks at when a filter lets few events pass. */
const windowSize = 5_000;

type Finite = Extract<ReadRequest['how'], { kind: 'read' }>;
type OfStream = Extract<ReadRequest, { kind: 'stream' }>;
type OfAll = Extract<ReadRequest, { kind: 'all' }>;

/** What is in a stream now. */
export async function* readStream(
  log: WireLog,
  request: OfStream,
  { direction, count }: Finite,
): AsyncGenerator<ReadResp, void, void> {
  const { stream, resolveLinks, structuredIds } = request;
  const isForwards = direction === 'forwards';
  const run = isForwards ? readForwards : readBackwards;
  let from: number | undefined = startRevision(request.from, isForwards);
  let isFirst = true;
  let last = 0;
  for (let left = count; from !== undefined; ) {
    const read: StreamRead = {
      stream,
      from,
      limit: Math.min(left, pageSize),
      resolveLinks,
      now: Date.now(),
    };
    const slice: StreamSlice = await log.read((view) => run(view, read));
    if (slice.kind === 'deleted') throw streamDeleted(stream);
    if (slice.kind === 'not found') return yield streamNotFound(stream);
    last = slice.last;
    if (isFirst && isForwards && request.compatibility >= 1) {
      const first = firstPosition(slice, from, count);
      if (first !== undefined) yield firstStreamPosition(first);
    }
    isFirst = false;
    for (const event of slice.events) yield eventAnswer(event, structuredIds);
    left -= slice.events.length;
    from = left > 0 ? slice.next : undefined;
    await nextTurn();
  }
  if (request.compatibility >= 1) yield lastStreamPosition(last);
}

/** The page that EventStoreDB reads first; a client hears of the beginning where it is empty. */
const firstPageSize = 32;

function firstPosition(
  { first, last, events }: Extract<StreamSlice, { kind: 'found' }>,
  from: number,
  count: number,
): number | undefined {
  const end = from + Math.min(firstPageSize, count) - 1;
  if (end < first) return first;
  if (events.some((event) => originalEvent(event).revision <= end)) return undefined;
  const next = Math.min(end, last) + 1;
  return next === from ? undefined : next;
}

function startRevision(from: OfStream['from'], isForwards: boolean): number {
  if (from === 'start') return 0;
  if (from !== 'end') return from;
  return isForwards ? Number.MAX_SAFE_INTEGER : Number.MAX_SAFE_INTEGER - 1;
}

/** What is in the log now. A position is inclusive forwards, and exclusive backwards. */
export async function* readAll(
  log: WireLog,
  request: OfAll,
  how: Finite,
): AsyncGenerator<ReadResp, void, void> {
  let left = how.count;
  for await (const events of pagesOfAll(log, request, how.direction, how.count)) {
    for (const event of events.slice(0, left)) yield eventAnswer(event, request.structuredIds);
    left -= events.length;
    if (left <= 0) return;
  }
}

async function* pagesOfAll(
  log: WireLog,
  { from, filter, resolveLinks }: OfAll,
  direction: AllPageRequest['direction'],
  count: number,
): AsyncGenerator<readonly ResolvedEvent[], void, void> {
  const isForwards = direction === 'forwards';
  const head = await log.read((view) => view.head());
  const end = from === 'end' ? head + 1 : from;
  let first = isForwards ? (end === 'start' ? 1 : Math.max(1, end)) : 1;
  let last = isForwards ? head : end === 'start' ? 0 : Math.min(head, end - 1);
  const reach = filter === undefined ? Number.MAX_SAFE_INTEGER : windowSize;
  const limit = Math.min(count, pageSize);
  while (first <= last) {
    const bounds = isForwards
      ? { first, last: Math.min(last, first + reach - 1) }
      : { first: Math.max(first, last - reach + 1), last };
    const page = { direction, ...bounds, limit, filter: filter?.filter };
    const now = Date.now();
    const { events, isCut } = await log.read((view) => {
      const found = view.allPage(page);
      const events = found.events.map((event) => resolve(view, event, resolveLinks, now));
      return { events, isCut: found.isCut ? found.events.at(-1)?.position : undefined };
    });
    yield events;
    if (isForwards) first = (isCut ?? bounds.last) + 1;
    else last = (isCut ?? bounds.first) - 1;
    await nextTurn();
  }
}
