import { type LogView, type NewWireEvent, tombstone, type WriteView } from './log.ts';
import {
  deletedType,
  isMetastream,
  isSoftDeleted,
  metadataType,
  metastreamOf,
  originalOf,
  readMetadata,
  type StreamMetadata,
  softDeletion,
  withTruncateBefore,
} from './stream-metadata.ts';

export type Expected = number | 'any' | 'no_stream' | 'stream_exists';

export type WriteOutcome =
  /** The last revision and position; -1 and undefined where an append of nothing has none. */
  | {
      readonly kind: 'written';
      readonly revision: number;
      readonly position: number | undefined;
    }
  | { readonly kind: 'wrong expected version'; readonly actual: number }
  | { readonly kind: 'stream deleted' };

type Check =
  | { readonly kind: 'ok'; readonly current: number; readonly isSoftDeleted: boolean }
  | WriteOutcome;

/** The revision of the newest event. Who deletes a stream for good deletes its metadata with it. */
export function lastRevisionOf(view: LogView, stream: string): number {
  if (isMetastream(stream) && view.lastRevision(originalOf(stream)) === tombstone) return tombstone;
  return view.lastRevision(stream);
}

export function metadataOf(view: LogView, stream: string): StreamMetadata {
  if (isMetastream(stream)) return readMetadata(stream, undefined);
  return readMetadata(stream, rawMetadataOf(view, stream));
}

function rawMetadataOf(view: LogView, stream: string): Uint8Array | undefined {
  const metastream = metastreamOf(stream);
  // Most streams have none, and their last revision is remembered.
  const newest = view.lastRevision(metastream) < 0 ? undefined : view.newest(metastream);
  return newest?.isJson === true ? newest.data : undefined;
}

/**
 * Appends by EventStoreDB's rules of idempotency (its IndexWriter.CheckCommit): a repeat of the same
 * ids at the expected place is answered as before; with `any` the ids are those written of late.
 */
export function append(
  view: WriteView,
  stream: string,
  expected: Expected,
  events: readonly NewWireEvent[],
  newId: () => string,
): WriteOutcome {
  const check = checkWrite(view, stream, expected, events);
  if (check.kind !== 'ok') return check;
  const first = check.current + 1;
  // New metadata revive a deleted stream; what is in it remains truncated.
  const original = isMetastream(stream) ? originalOf(stream) : undefined;
  const revives = original !== undefined && isSoftDeleted(metadataOf(view, original));
  const positions = events.length === 0 ? [] : view.insert(stream, first, events);
  if (check.isSoftDeleted) revive(view, stream, first, newId());
  if (revives) revive(view, original, view.lastRevision(original) + 1, newId());
  return {
    kind: 'written',
    revision: check.current + events.length,
    position: positions.at(-1),
  };
}

/** Hard: an event that nothing can follow. Soft: metadata that truncate all there is so far. */
export function remove(
  view: WriteView,
  stream: string,
  expected: Expected,
  how: 'soft' | 'hard',
  newId: () => string,
): WriteOutcome {
  const id = newId();
  const check = checkWrite(view, stream, expected, [{ id }]);
  if (check.kind !== 'ok') return check;
  if (how === 'hard') {
    const empty = Buffer.alloc(0);
    const event = { id, type: deletedType, isJson: false, data: empty, metadata: empty };
    const [position] = view.insert(stream, tombstone, [event]);
    return { kind: 'written', revision: tombstone, position };
  }
  if (check.current < 0 && lastRevisionOf(view, metastreamOf(stream)) < 0) {
    return { kind: 'wrong expected version', actual: -1 };
  }
  const position = writeMetadata(view, stream, Buffer.from(softDeletion), id);
  return { kind: 'written', revision: check.current, position };
}

function checkWrite(
  view: WriteView,
  stream: string,
  expected: Expected,
  events: readonly { readonly id: string }[],
): Check {
  const current = lastRevisionOf(view, stream);
  if (current === tombstone) return { kind: 'stream deleted' };
  const isDeleted = () => isSoftDeleted(metadataOf(view, stream));
  if (expected === 'stream_exists') {
    if (isDeleted()) return { kind: 'stream deleted' };
    // A stream that has nothing but metadata exists.
    if (current < 0 && lastRevisionOf(view, metastreamOf(stream)) < 0) {
      return { kind: 'wrong expected version', actual: current };
    }
  }
  if (expected === 'any' || expected === 'stream_exists') {
    return checkAgainstIds(view, stream, current, events) ?? ok(current, isDeleted());
  }
  const revision = expected === 'no_stream' ? -1 : expected;
  if (revision > current) return { kind: 'wrong expected version', actual: current };
  if (revision === current) return ok(current, isDeleted());
  return checkRepeat(view, stream, revision, current, events, isDeleted);
}

function ok(current: number, isDeleted: boolean): Check {
  return { kind: 'ok', current, isSoftDeleted: isDeleted };
}

/** Undefined where the first is not known; then all are taken for new. */
function checkAgainstIds(
  view: WriteView,
  stream: string,
  current: number,
  events: readonly { readonly id: string }[],
): Check | undefined {
  let last: Check | undefined;
  for (const { id } of events) {
    const written = view.find(id);
    if (written === undefined || written.stream !== stream) {
      return last && { kind: 'wrong expected version', actual: current };
    }
    last = { kind: 'written', revision: written.revision, position: written.position };
  }
  return last;
}

function checkRepeat(
  view: WriteView,
  stream: string,
  expected: number,
  current: number,
  events: readonly { readonly id: string }[],
  isDeleted: () => boolean,
): Check {
  let revision = expected;
  let position: number | undefined;
  for (const { id } of events) {
    revision += 1;
    const stored = view.eventAt(stream, revision);
    if (stored?.id !== id) {
      const isFirst = revision === expected + 1;
      if (isFirst && expected === -1 && isDeleted()) return ok(current, true);
      return { kind: 'wrong expected version', actual: current };
    }
    position = stored.position;
  }
  if (revision === expected) return { kind: 'wrong expected version', actual: current };
  return { kind: 'written', revision, position };
}

/** A deleted stream that is appended to begins again at its next revision. */
function revive(view: WriteView, stream: string, from: number, id: string): void {
  writeMetadata(view, stream, withTruncateBefore(rawMetadataOf(view, stream), from), id);
}

function writeMetadata(view: WriteView, stream: string, data: Uint8Array, id: string) {
  const metastream = metastreamOf(stream);
  const event = { id, type: metadataType, isJson: true, data, metadata: Buffer.alloc(0) };
  return view.insert(metastream, view.lastRevision(metastream) + 1, [event])[0];
}
