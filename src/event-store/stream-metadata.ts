import { isObject } from '../kernel/json.ts';

/** What EventStoreDB reads out of the newest event of `$$<stream>`. */
export type StreamMetadata = {
  /** Only the newest so many events are served. */
  readonly maxCount?: number;
  /** Events older than this are not served. */
  readonly maxAgeSeconds?: number;
  /** Events before this revision are not served; `deletedBefore` says that the stream is deleted. */
  readonly truncateBefore?: number;
  readonly acl?: AccessList;
};

/** Names of users and groups, by what they may do. */
export type AccessList = {
  readonly read?: readonly string[];
  readonly write?: readonly string[];
  readonly delete?: readonly string[];
  readonly metadataRead?: readonly string[];
  readonly metadataWrite?: readonly string[];
};

/** 2^63 - 1 is no double: it is read as 2^63. No other revision comes near. */
const deletedBefore = 2 ** 63;

export const metadataType = '$metadata';
export const deletedType = '$streamDeleted';
export const linkType = '$>';

/** What a soft delete writes: EventStoreDB puts nothing else in its place, not even the rest. */
export const softDeletion = '{"$tb":9223372036854775807}';

/** The metadata of a metadata stream itself is fixed: its newest event is the only one served. */
const metadataOfMetadata: StreamMetadata = { maxCount: 1 };

export function isMetastream(stream: string): boolean {
  return stream.startsWith('$$');
}

export function isSystemStream(stream: string): boolean {
  return stream.startsWith('$');
}

export function metastreamOf(stream: string): string {
  return `$$${stream}`;
}

export function originalOf(metastream: string): string {
  return metastream.slice(2);
}

export function isSoftDeleted(metadata: StreamMetadata): boolean {
  return (metadata.truncateBefore ?? 0) >= deletedBefore;
}

/**
 * The metadata of a stream, from the data of the newest event of its metadata stream. What is no
 * JSON object, or is of another type than it should be, counts as not there, as in EventStoreDB.
 */
export function readMetadata(stream: string, data: Uint8Array | undefined): StreamMetadata {
  if (isMetastream(stream)) return metadataOfMetadata;
  const json = parseObject(data);
  if (json === undefined) return {};
  const metadata: { -readonly [Key in keyof StreamMetadata]: StreamMetadata[Key] } = {};
  const maxCount = wholeNumber(json.$maxCount, 1);
  const maxAgeSeconds = wholeNumber(json.$maxAge, 1);
  const truncateBefore = wholeNumber(json.$tb, 0);
  if (maxCount !== undefined) metadata.maxCount = maxCount;
  if (maxAgeSeconds !== undefined) metadata.maxAgeSeconds = maxAgeSeconds;
  if (truncateBefore !== undefined) metadata.truncateBefore = truncateBefore;
  const acl = json.$acl;
  if (isObject(acl)) metadata.acl = readAccessList(acl);
  return metadata;
}

/** The same metadata with another `$tb`: how a deleted stream comes back from a revision on. */
export function withTruncateBefore(data: Uint8Array | undefined, revision: number): Buffer {
  return Buffer.from(JSON.stringify({ ...parseObject(data), $tb: revision }));
}

export function readAccessList(acl: Record<string, unknown>): AccessList {
  const list: { -readonly [Key in keyof AccessList]: AccessList[Key] } = {};
  const read = names(acl.$r);
  const write = names(acl.$w);
  const remove = names(acl.$d);
  const metadataRead = names(acl.$mr);
  const metadataWrite = names(acl.$mw);
  if (read !== undefined) list.read = read;
  if (write !== undefined) list.write = write;
  if (remove !== undefined) list.delete = remove;
  if (metadataRead !== undefined) list.metadataRead = metadataRead;
  if (metadataWrite !== undefined) list.metadataWrite = metadataWrite;
  return list;
}

export function parseObject(data: Uint8Array | undefined): Record<string, unknown> | undefined {
  if (data === undefined) return undefined;
  try {
    const value: unknown = JSON.parse(Buffer.from(data).toString());
    return isObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

function wholeNumber(value: unknown, least: number): number | undefined {
  return typeof value === 'number' && Number.isInteger(value) && value >= least ? value : undefined;
}

/** A name, or several. */
function names(value: unknown): readonly string[] | undefined {
  if (typeof value === 'string') return [value];
  if (!Array.isArray(value)) return undefined;
  return value.filter((name) => typeof name === 'string');
}
