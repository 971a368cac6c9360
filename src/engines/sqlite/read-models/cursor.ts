import { createHash } from 'node:crypto';
import { InvalidCursor } from '../../../read/read-models.ts';
import type { SqlValue } from './values.ts';

/** Where a page ended: the value it is ordered by, and the id. */
export type Place = { readonly value: SqlValue; readonly id: string };

/** What was asked, without page and size. */
export type Question = readonly unknown[];

/** The place, and a digest over it and the question: a slip or another question is noticed. */
export function toCursor(question: Question, { value, id }: Place): string {
  const text = JSON.stringify([digest(question, value, id), value, id]);
  return Buffer.from(text).toString('base64url');
}

/** @throws InvalidCursor */
export function fromCursor(question: Question, cursor: string): Place {
  const place = parse(cursor);
  if (place === undefined) throw new InvalidCursor('the cursor is damaged');
  const [mark, value, id] = place;
  if (mark === digest(question, value, id)) return { value, id };
  throw new InvalidCursor('the cursor is damaged, or belongs to another question');
}

function parse(cursor: string): readonly [string, SqlValue, string] | undefined {
  try {
    const parts: unknown = JSON.parse(Buffer.from(cursor, 'base64url').toString());
    if (!Array.isArray(parts) || parts.length !== 3) return undefined;
    const [mark, value, id] = parts as readonly unknown[];
    const isValue = value === null || typeof value === 'string' || typeof value === 'number';
    if (typeof mark !== 'string' || typeof id !== 'string' || !isValue) return undefined;
    return [mark, value, id];
  } catch {
    return undefined;
  }
}

function digest(question: Question, value: SqlValue, id: string): string {
  const text = JSON.stringify([question, value, id]);
  return createHash('sha256').update(text).digest('base64url').slice(0, 16);
}
