// Names of indexes and aliases. A view's name has no '-', so that none can be mistaken for another.

/** The index of a generation: "cipherhorizon-trading_trades-3". */
export function indexOf(prefix: string, view: string, generation: number): string {
  return `${prefix}-${view}-${generation}`;
}

/** On the live generation's index. */
export function liveAlias(prefix: string, view: string): string {
  return `${prefix}-${view}`;
}

/** On those that were live once. */
export function keptAlias(prefix: string, view: string): string {
  return `${prefix}-${view}-kept`;
}

/**
 * On the index itself, made with it. It is what is written to, and only as an alias: an index that
 * somebody has deleted is then missing, rather than made anew without its mapping.
 */
export function writeAlias(index: string): string {
  return `${index}-write`;
}

/** All indexes of generations, and perhaps others. */
export function everyIndex(prefix: string): string {
  return `${prefix}-*`;
}

/** Undefined where the name is no generation's. */
export function fromIndex(
  prefix: string,
  index: string,
): { readonly view: string; readonly generation: number } | undefined {
  if (!index.startsWith(`${prefix}-`)) return undefined;
  const match = /^([a-z][a-z0-9_]*)-([0-9]+)$/.exec(index.slice(prefix.length + 1));
  return match?.[1] === undefined ? undefined : { view: match[1], generation: Number(match[2]) };
}

/** The lease of the whole store. A dot, as no view's name has one. */
export function leaseIndex(prefix: string): string {
  return `${prefix}.lease`;
}

/** Of the reaches and heartbeats of all generations. */
export function progressIndex(prefix: string): string {
  return `${prefix}.progress`;
}

/** Of a checkpoint, in the index that it speaks of. */
export const checkpointId = '~checkpoint';

/** In the index of progress, by the id that a generation's index was given when it was made. */
export function heartbeatId(id: string): string {
  return `${id}.heartbeat`;
}

const mostIdBytes = 512;

/** `_id` of a document: its id, unless that is empty or begins as those of other entries do. */
export function toEntryId(id: string): string {
  return id === '' || id.startsWith('~') ? `~${id}` : id;
}

export function problemOfId(id: string): string | undefined {
  if (!id.isWellFormed()) return 'its id is not well-formed Unicode';
  if (Buffer.byteLength(toEntryId(id)) <= mostIdBytes) return undefined;
  return `its id is longer than ${mostIdBytes} bytes`;
}
