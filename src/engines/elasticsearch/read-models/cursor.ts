import { createHash } from 'node:crypto';
import { InvalidCursor } from '../../../read/read-models.ts';
import type { IndexValue } from './values.ts';

/** Where a page ended: the value it is ordered by, and the id. */
export type Place = {
  readonly value: IndexValue | null;
  readonly id: string;
  /** The state that the page came from has this name among the snapshots, as long as there is one. */
  readonly snapshot?: string;
};

/** What was asked, without page and size. */
export type Question = readonly unknown[];

/** The place, and a digest over it and the question: a slip or another question is noticed. */
export function toCursor(question: Question, place: Place): string {
  const { value, id, snapshot } = place;
  const parts = [digest(question, place), value, id, ...(snapshot === undefined ? [] : [snapshot])];
  return Buffer.from(JSON.stringify(parts)).toString('base64url');
}

/** @throws InvalidCursor */
export function fromCursor(question: Question, cursor: string): Place {
  const parsed = parse(cursor);
  if (parsed === undefined) throw new InvalidCursor('the cursor is damaged');
  const [mark, place] = parsed;
  if (mark === digest(question, place)) return place;
  throw new InvalidCursor('the cursor is damaged, or belongs to another question');
}

function parse(cursor: string): readonly [mark: string, Place] | undefined {
  try {
    const parts: unknown = JSON.parse(Buffer.from(cursor, 'base64url').toString());
    if (!Array.isArray(parts) || parts.length < 3 || parts.length > 4) return undefined;
    const [mark, value, id, snapshot] = parts as readonly unknown[];
    const isValue = value === null || ['string', 'number', 'boolean'].includes(typeof value);
    if (typeof mark !== 'string' || typeof id !== 'string' || !isValue) return undefined;
    const place = { value: value as Place['value'], id };
    if (snapshot === undefined) return [mark, place];
    return typeof snapshot === 'string' ? [mark, { ...place, snapshot }] : undefined;
  } catch {
    return undefined;
  }
}

function digest(question: Question, { value, id, snapshot }: Place): string {
  const text = JSON.stringify([question, value, id, snapshot]);
  return createHash('sha256').update(text).digest('base64url').slice(0, 16);
}
