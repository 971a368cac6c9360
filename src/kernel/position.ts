/**
 * The place of an event in the log. EventStoreDB's two numbers are kept: in a log that has one, both
 * are the same. Positions are ordered by commit, then prepare, and strictly increase in the order in
 * which events became visible.
 */
export type Position = { readonly commit: bigint; readonly prepare: bigint };

/** Before the first event. */
export const start: Position = { commit: -1n, prepare: -1n };

/** The position in a log that has one number. */
export function position(commit: bigint, prepare: bigint = commit): Position {
  return { commit, prepare };
}

/** Negative, 0 or positive, as for Array.prototype.sort. */
export function comparePositions(a: Position, b: Position): number {
  if (a.commit !== b.commit) return a.commit < b.commit ? -1 : 1;
  if (a.prepare !== b.prepare) return a.prepare < b.prepare ? -1 : 1;
  return 0;
}

export function isAfter(a: Position, b: Position): boolean {
  return comparePositions(a, b) > 0;
}

export function earliest(a: Position, b: Position): Position {
  return comparePositions(a, b) <= 0 ? a : b;
}

export function latest(a: Position, b: Position): Position {
  return comparePositions(a, b) >= 0 ? a : b;
}
