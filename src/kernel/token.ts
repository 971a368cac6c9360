import { comparePositions, type Position, position, start } from './position.ts';

const pattern = /^v1\.([0-9a-z]{1,14})(?:\.([0-9a-z]{1,14}))?$/;
const highest = 2n ** 63n - 1n;

/**
 * A consistency token: a position in the log as opaque text, "v1.<commit>[.<prepare>]" in base 36.
 * The start of the log is the empty text, which every view has reached.
 */
export function toToken(at: Position): string {
  if (comparePositions(at, start) <= 0) return '';
  const commit = at.commit.toString(36);
  return at.prepare === at.commit ? `v1.${commit}` : `v1.${commit}.${at.prepare.toString(36)}`;
}

/** The position of a token, or undefined where the text is not a token. */
export function fromToken(token: string): Position | undefined {
  if (token === '') return start;
  const match = pattern.exec(token);
  if (match?.[1] === undefined) return undefined;
  const commit = parseBase36(match[1]);
  const prepare = match[2] === undefined ? commit : parseBase36(match[2]);
  return commit > highest || prepare > highest ? undefined : position(commit, prepare);
}

function parseBase36(text: string): bigint {
  let value = 0n;
  for (const digit of text) value = value * 36n + BigInt(Number.parseInt(digit, 36));
  return value;
}
