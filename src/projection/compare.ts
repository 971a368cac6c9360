import { isDeepStrictEqual } from 'node:util';
import type { JsonObject, JsonValue } from '../kernel/json.ts';
import { isAfter } from '../kernel/position.ts';
import type {
  GenerationRef,
  Misindexed,
  ReadModelStore,
  StoredDocument,
} from './read-model-store.ts';

export type FieldDifference = {
  /** `name (index)`: the document says otherwise, but this is what it is found by. */
  readonly field: string;
  readonly live: JsonValue | undefined;
  readonly replayed: JsonValue | undefined;
};

export type Difference = {
  readonly documentId: string;
  /** unexpected: in the live generation alone; missing: in the replay alone. */
  readonly kind: 'unexpected' | 'missing' | 'changed';
  readonly fields: readonly FieldDifference[];
};

export function compareDocuments(
  documentId: string,
  stored: Pick<StoredDocument, 'document' | 'unreadable'> | undefined,
  replayed: JsonObject | undefined,
): Difference | undefined {
  if (stored?.unreadable !== undefined) {
    const fields = [{ field: '(document)', live: stored.unreadable, replayed }];
    return { documentId, kind: 'changed', fields };
  }
  const live = stored?.document;
  if (live === undefined && replayed === undefined) return undefined;
  if (replayed === undefined) return { documentId, kind: 'unexpected', fields: [] };
  if (live === undefined) return { documentId, kind: 'missing', fields: [] };
  const names = new Set([...Object.keys(live), ...Object.keys(replayed)]);
  const fields = [...names]
    .filter((field) => !isDeepStrictEqual(live[field], replayed[field]))
    .sort()
    .map((field) => ({ field, live: live[field], replayed: replayed[field] }));
  return fields.length === 0 ? undefined : { documentId, kind: 'changed', fields };
}

/**
 * Adds that a document says it is later than what has been applied to it: events up to there would
 * change nothing of it.
 */
export function withPosition(
  documentId: string,
  differs: Difference | undefined,
  live: StoredDocument | undefined,
  replayed: StoredDocument | undefined,
): Difference | undefined {
  if (live === undefined || replayed === undefined) return differs;
  if (!isAfter(live.version, replayed.version)) return differs;
  const { kind, fields } = differs ?? { kind: 'changed', fields: [] };
  const [ours, theirs] = [live, replayed].map(({ version }) => `${version.commit}`);
  return {
    documentId,
    kind,
    fields: [...fields, { field: '(position)', live: ours, replayed: theirs }],
  };
}

/** Adds what a document is found by wrongly; of a field that differs itself nothing more is told. */
export function withIndex(
  documentId: string,
  differs: Difference | undefined,
  misindexed: Misindexed | undefined,
): Difference | undefined {
  if (misindexed === undefined) return differs;
  const told = new Set(differs?.fields.map(({ field }) => field));
  const more = misindexed.fields
    .filter(({ field }) => !told.has(field))
    .map(({ field, indexed, expected }) => {
      return { field: `${field} (index)`, live: indexed, replayed: expected };
    });
  const { kind, fields } = differs ?? { kind: 'changed', fields: [] };
  return { documentId, kind, fields: [...fields, ...more] };
}

/** The documents of two generations side by side, in the order of their ids. */
export async function* pairs(
  store: ReadModelStore,
  live: GenerationRef,
  replayed: GenerationRef,
): AsyncGenerator<{ id: string; live?: StoredDocument; replayed?: StoredDocument }> {
  const left = store.scan(live)[Symbol.asyncIterator]();
  const right = store.scan(replayed)[Symbol.asyncIterator]();
  let a = await left.next();
  let b = await right.next();
  while (!a.done || !b.done) {
    const order = a.done ? 1 : b.done ? -1 : compareIds(a.value.id, b.value.id);
    if (order < 0 && !a.done) yield { id: a.value.id, live: a.value };
    else if (order > 0 && !b.done) yield { id: b.value.id, replayed: b.value };
    else if (!a.done && !b.done) yield { id: a.value.id, live: a.value, replayed: b.value };
    if (order <= 0) a = await left.next();
    if (order >= 0) b = await right.next();
  }
}

/** By UTF-8 bytes, as the port says; for ids that is by code points. */
function compareIds(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}
