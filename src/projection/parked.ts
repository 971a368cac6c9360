import type { Target } from './apply.ts';
import { type Decode, messageOf } from './decode.ts';
import type { EventSource } from './event-source.ts';
import { streamDocument } from './fold.ts';
import type { ParkedEvent, ReadModelStore, StoredDocument } from './read-model-store.ts';

export type Retried = { readonly applied: number; readonly stillParked: number };

/**
 * Applies the parked events of one document again, in order, until one fails; `skip` gives up the
 * first. `replay` builds the documents of a stream again: for events whose documents could not be
 * told, as later events may have changed those meanwhile.
 */
export async function retryParked(options: {
  readonly source: EventSource;
  readonly store: ReadModelStore;
  readonly decode: Decode;
  readonly target: Target;
  readonly documentId: string;
  readonly skip: boolean;
  readonly replay: (stream: string) => Promise<unknown>;
}): Promise<Retried> {
  const { store, target, documentId } = options;
  const { ref } = target;
  const all = (await store.parked(ref)).filter((event) => event.documentId === documentId);
  const [first, ...others] = all;
  if (first === undefined) return { applied: 0, stillParked: 0 };
  if (options.skip) {
    await store.apply([{ ref, batch: { documents: [], park: [], unpark: [first] } }]);
  }
  const left = options.skip ? others : all;
  const result =
    documentId === streamDocument(first.stream)
      ? await retryStream(options, left, first.stream)
      : await retryInOrder(options, left);
  if (result.stillParked === 0) target.parked.delete(documentId);
  return result;
}

type Options = Parameters<typeof retryParked>[0];

async function retryInOrder(options: Options, events: readonly ParkedEvent[]): Promise<Retried> {
  const { store, target, documentId } = options;
  const { ref } = target;
  let applied = 0;
  for (const parked of events) {
    const error = await applyParked(options, parked);
    if (error !== undefined) {
      const park = [{ ...parked, error, attempts: parked.attempts + 1 }];
      await store.apply([{ ref, batch: { documents: [], park, unpark: [] } }]);
      target.parked.set(documentId, '');
      return { applied, stillParked: events.length - applied };
    }
    applied += 1;
  }
  return { applied, stillParked: 0 };
}

/** @returns why it could not be applied */
async function applyParked(options: Options, parked: ParkedEvent): Promise<string | undefined> {
  const { store, target, documentId, decode } = options;
  const { ref } = target;
  const recorded = await findEvent(options.source, parked);
  if (recorded === undefined) return 'the event is no longer in the log';
  const event = decode(recorded);
  if (event.problem !== undefined) return event.problem;
  const stored = (await store.load(ref, [documentId])).get(documentId);
  if (stored?.unreadable !== undefined) return stored.unreadable;
  const before = stored?.document;
  let documents: StoredDocument[];
  try {
    const document = ref.view.project(before, event, documentId);
    const changed = document !== before;
    documents = changed ? [{ id: documentId, version: recorded.position, document }] : [];
  } catch (error) {
    return messageOf(error);
  }
  const batch = { documents, park: [], unpark: [parked] };
  const { refused } = await store.apply([{ ref, batch }]);
  return refused[0]?.error;
}

async function retryStream(
  options: Options,
  events: readonly ParkedEvent[],
  stream: string,
): Promise<Retried> {
  const { store, target } = options;
  const { ref } = target;
  for (const [index, parked] of events.entries()) {
    const recorded = await findEvent(options.source, parked);
    const event = recorded && options.decode(recorded);
    const error = event === undefined ? 'the event is no longer in the log' : problemOf(ref, event);
    if (error === undefined) continue;
    const park = [{ ...parked, error, attempts: parked.attempts + 1 }];
    await store.apply([{ ref, batch: { documents: [], park, unpark: [] } }]);
    return { applied: 0, stillParked: events.length - index };
  }
  await store.apply([{ ref, batch: { documents: [], park: [], unpark: events } }]);
  target.parked.delete(options.documentId);
  await options.replay(stream);
  return { applied: events.length, stillParked: 0 };
}

function problemOf({ view }: Target['ref'], event: ReturnType<Decode>): string | undefined {
  if (event.problem !== undefined) return event.problem;
  try {
    view.ids(event);
    return undefined;
  } catch (error) {
    return messageOf(error);
  }
}

async function findEvent(source: EventSource, { stream, revision }: ParkedEvent) {
  for await (const event of source.readStream(stream, revision)) {
    return event.revision === revision ? event : undefined;
  }
  return undefined;
}
