import { type ReadView, tombstone, type WireEvent } from './log.ts';
import { isSoftDeleted, linkType, type StreamMetadata } from './stream-metadata.ts';
import { lastRevisionOf, metadataOf } from './writing.ts';

/** An event as a read gives it: itself, or the link that was followed to it, or could not be. */
export type ResolvedEvent = {
  readonly event: WireEvent | undefined;
  readonly link: WireEvent | undefined;
};

/** The event that was read, be it a link or not: its place is the place of the answer. */
export function originalEvent({ event, link }: ResolvedEvent): WireEvent {
  const original = link ?? event;
  if (original === undefined) throw new Error('neither an event nor a link');
  return original;
}

export type StreamRead = {
  readonly stream: string;
  readonly from: number;
  readonly limit: number;
  readonly resolveLinks: boolean;
  /** Milliseconds since 1970, for events that are too old to be served. */
  readonly now: number;
};

/** `next`: where to go on; undefined at the end. `last`: the revision of the newest event. */
export type StreamSlice =
  | { readonly kind: 'not found' }
  | { readonly kind: 'deleted' }
  | {
      readonly kind: 'found';
      readonly events: readonly ResolvedEvent[];
      readonly next: number | undefined;
      readonly last: number;
      /** The oldest revision that is served, or would be. */
      readonly first: number;
    };

export function readForwards(view: ReadView, read: StreamRead): StreamSlice {
  const bounds = boundsOf(view, read.stream);
  if ('kind' in bounds) return bounds;
  const { first, last, metadata } = bounds;
  const from = Math.max(read.from, first);
  if (from > last) return { kind: 'found', events: [], next: undefined, last, first };
  const { stream, limit } = read;
  const page = view.streamPage({ stream, direction: 'forwards', first: from, last, limit });
  const end = page.events.at(-1);
  const next =
    page.isCut && end !== undefined && end.revision < last ? end.revision + 1 : undefined;
  return { kind: 'found', events: serve(view, page.events, metadata, read), next, last, first };
}

export function readBackwards(view: ReadView, read: StreamRead): StreamSlice {
  const bounds = boundsOf(view, read.stream);
  if ('kind' in bounds) return bounds;
  const { first, last, metadata } = bounds;
  const from = Math.min(read.from, last);
  if (from < first) return { kind: 'found', events: [], next: undefined, last, first };
  const { stream, limit } = read;
  const page = view.streamPage({ stream, direction: 'backwards', first, last: from, limit });
  const end = page.events.at(-1);
  const next =
    page.isCut && end !== undefined && end.revision > first ? end.revision - 1 : undefined;
  return { kind: 'found', events: serve(view, page.events, metadata, read), next, last, first };
}

type Bounds = {
  readonly first: number;
  readonly last: number;
  readonly metadata: StreamMetadata;
};

/** Which revisions of a stream are served, by its metadata. */
function boundsOf(
  view: ReadView,
  stream: string,
): Bounds | Exclude<StreamSlice, { kind: 'found' }> {
  const last = lastRevisionOf(view, stream);
  if (last === tombstone) return { kind: 'deleted' };
  if (last < 0) return { kind: 'not found' };
  const metadata = metadataOf(view, stream);
  if (isSoftDeleted(metadata)) return { kind: 'not found' };
  return { first: firstRevision(metadata, last), last, metadata };
}

function firstRevision({ maxCount, truncateBefore }: StreamMetadata, last: number): number {
  return Math.max(0, truncateBefore ?? 0, maxCount === undefined ? 0 : last - maxCount + 1);
}

function serve(
  view: ReadView,
  events: readonly WireEvent[],
  metadata: StreamMetadata,
  { resolveLinks, now }: StreamRead,
): ResolvedEvent[] {
  const fresh = events.filter((event) => isFresh(event, metadata, now));
  return fresh.map((event) => resolve(view, event, resolveLinks, now));
}

function isFresh(event: WireEvent, { maxAgeSeconds }: StreamMetadata, now: number): boolean {
  return maxAgeSeconds === undefined || event.storedAt > now - maxAgeSeconds * 1_000;
}

/** A link is an event of type `$>` whose data are `<revision>@<stream>`. */
export function resolve(
  view: ReadView,
  event: WireEvent,
  resolveLinks: boolean,
  now: number,
): ResolvedEvent {
  if (!resolveLinks || event.type !== linkType) return { event, link: undefined };
  const target = /^(\d+)@(.+)$/s.exec(Buffer.from(event.data).toString());
  const [, revision, stream] = target ?? [];
  if (revision === undefined || stream === undefined) return { event: undefined, link: event };
  return { event: servedEvent(view, stream, Number(revision), now), link: event };
}

/** One event of a stream, where a read of the stream would give it. */
function servedEvent(
  view: ReadView,
  stream: string,
  revision: number,
  now: number,
): WireEvent | undefined {
  const bounds = boundsOf(view, stream);
  if ('kind' in bounds) return undefined;
  if (revision < bounds.first || revision > bounds.last) return undefined;
  const event = view.eventAt(stream, revision);
  return event !== undefined && isFresh(event, bounds.metadata, now) ? event : undefined;
}
