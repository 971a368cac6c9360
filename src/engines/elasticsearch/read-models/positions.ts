import { type Position, position } from '../../../kernel/position.ts';

/**
 * A position as text, "commit" or "commit/prepare": numbers in JSON lose digits beyond 2^53.
 */
export function toText({ commit, prepare }: Position): string {
  return commit === prepare ? String(commit) : `${commit}/${prepare}`;
}

/** Of what `toText` gave; undefined for anything else. */
export function fromText(text: unknown): Position | undefined {
  if (typeof text !== 'string') return undefined;
  const match = /^(-?\d{1,19})(?:\/(-?\d{1,19}))?$/.exec(text);
  if (match?.[1] === undefined) return undefined;
  const commit = BigInt(match[1]);
  return position(commit, match[2] === undefined ? commit : BigInt(match[2]));
}

/**
 * The external version of an entry: 63 bits without sign, as Elasticsearch's are. It is the commit
 * alone, see `writing.ts`.
 */
export function toVersion({ commit }: Position): string {
  return String(commit < 0n ? 0n : commit);
}
