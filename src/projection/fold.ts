import type { JsonObject } from '../kernel/json.ts';
import { isAfter } from '../kernel/position.ts';
import { type DecodedEvent, messageOf } from './decode.ts';
import type { View } from './kit.ts';
import type { ParkedEvent, StoredDocument } from './read-model-store.ts';

/** What a batch of events does to the documents of one view. */
export type Fold = {
  readonly documents: readonly StoredDocument[];
  readonly park: readonly ParkedEvent[];
  /** For each document that was written or parked: its events of the batch, in order. */
  readonly eventsOf: ReadonlyMap<string, readonly DecodedEvent[]>;
};

type Load = (ids: readonly string[]) => Promise<ReadonlyMap<string, StoredDocument>>;

/** Where the ids of an event cannot be told, all later ones of its stream wait behind it. */
export function streamDocument(stream: string): string {
  return `stream:${stream}`;
}

/**
 * Folds the events in memory: each document is loaded once and written once. Events at or before a
 * document's version change nothing. An event that cannot be applied parks that document's events
 * from there on; `parked` holds the documents that have parked
 * events already, each with why its next event cannot be applied ('' means that it waits); it is
 * added to.
 */
export async function foldEvents(
  view: View,
  events: readonly DecodedEvent[],
  parked: Map<string, string>,
  load: Load,
  nowMs: number,
): Promise<Fold> {
  const park: ParkedEvent[] = [];
  const waiting = new Set<string>();
  const touched = events.map((event) => idsOf(view, event, parked, waiting));
  const eventsOf = new Map<string, DecodedEvent[]>();
  for (const [index, { ids }] of touched.entries()) {
    const event = events[index];
    if (event === undefined) continue;
    for (const id of ids) {
      const known = eventsOf.get(id);
      if (known === undefined) eventsOf.set(id, [event]);
      else known.push(event);
    }
  }
  const loaded = await load([...eventsOf.keys()]);
  const documents: StoredDocument[] = [];
  const problems = new Map(
    touched.flatMap(({ problem }, index) =>
      problem === undefined ? [] : [[events[index], problem] as const],
    ),
  );
  for (const [id, own] of eventsOf) {
    const before = loaded.get(id);
    const folded = foldDocument(view, id, own, before, problems, parked, nowMs);
    park.push(...folded.park);
    if (folded.document !== undefined) documents.push(folded.document);
  }
  return { documents, park, eventsOf };
}

/** One document through its events, up to the first that cannot be applied. */
function foldDocument(
  view: View,
  id: string,
  events: readonly DecodedEvent[],
  before: StoredDocument | undefined,
  problems: ReadonlyMap<DecodedEvent | undefined, string>,
  parked: Map<string, string>,
  nowMs: number,
): { readonly document: StoredDocument | undefined; readonly park: readonly ParkedEvent[] } {
  let document: JsonObject | undefined = before?.document;
  let version = before?.version;
  const park: ParkedEvent[] = [];
  for (const event of events) {
    const { position } = event.recorded;
    if (version !== undefined && !isAfter(position, version)) continue;
    const reason = parked.get(id);
    if (reason !== undefined) {
      park.push(parkedEvent(id, event, reason || 'waits behind an earlier event', nowMs));
      parked.set(id, '');
      continue;
    }
    try {
      const problem = problems.get(event) ?? before?.unreadable;
      if (problem !== undefined) throw new Error(problem);
      const next = view.project(document, event, id);
      if (next === document) continue;
      document = next;
      version = position;
    } catch (error) {
      parked.set(id, '');
      park.push(parkedEvent(id, event, messageOf(error), nowMs));
    }
  }
  if (version === undefined || version === before?.version) return { document: undefined, park };
  return { document: { id, version, document }, park };
}

function idsOf(
  view: View,
  event: DecodedEvent,
  parked: ReadonlyMap<string, string>,
  waiting: Set<string>,
): { readonly ids: readonly string[]; readonly problem?: string } {
  const { stream } = event.recorded;
  if (parked.size > 0 && parked.has(streamDocument(stream))) waiting.add(stream);
  if (waiting.has(stream)) return { ids: [streamDocument(stream)] };
  try {
    if (event.problem !== undefined) throw new Error(event.problem);
    const ids = view.ids(event);
    return { ids: ids.length > 1 ? [...new Set(ids)] : ids };
  } catch (error) {
    waiting.add(stream);
    return { ids: [streamDocument(stream)], problem: messageOf(error) };
  }
}

export function parkedEvent(
  documentId: string,
  { recorded }: DecodedEvent,
  error: string,
  parkedAt: number,
): ParkedEvent {
  const { position, stream, revision, type } = recorded;
  return { documentId, position, stream, revision, type, error, attempts: 1, parkedAt };
}
