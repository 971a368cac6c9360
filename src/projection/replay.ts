import { isAfter, type Position, start } from '../kernel/position.ts';
import type { Target } from './apply.ts';
import type { Decode, DecodedEvent } from './decode.ts';
import type { Derivers } from './derivers.ts';
import type { EventSource } from './event-source.ts';
import { foldEvents } from './fold.ts';
import type { Lane } from './lane.ts';
import type { ReadModelStore, StoredDocument } from './read-model-store.ts';

/**
 * Builds single documents again from the whole log up to a position, in memory, and puts them in the
 * place of the stored ones, whatever those hold. The documents of one aggregate are those that any
 * event of its stream touches; other streams may touch them too, so the whole log is read.
 * @returns the ids of the documents
 */
export async function replayStream(options: {
  readonly source: EventSource;
  readonly store: ReadModelStore;
  readonly decode: Decode;
  readonly target: Target;
  readonly types: ReadonlySet<string> | undefined;
  readonly stream: string;
  readonly until: Position;
  readonly now: () => number;
}): Promise<readonly string[]> {
  const { source, store, decode, target, types, until, now } = options;
  const { view } = target.ref;
  const ids = new Set<string>();
  for await (const recorded of source.readStream(options.stream)) {
    if (isAfter(recorded.position, until)) break;
    if (types !== undefined && !types.has(recorded.type)) continue;
    for (const id of idsOf(view.ids, decode(recorded))) ids.add(id);
  }
  if (ids.size === 0) return [];
  const only = {
    ...view,
    ids: (event: DecodedEvent) => view.ids(event).filter((id) => ids.has(id)),
  };
  const documents = new Map<string, StoredDocument>();
  const parked = new Map<string, string>();
  const park = [];
  const load = async () => documents;
  const filter = types === undefined ? {} : { filter: { types: [...types] } };
  for await (const batch of source.readAll({ after: start, batchSize: 2_000, ...filter })) {
    const events = batch.events.filter(({ position }) => !isAfter(position, until)).map(decode);
    const readable = events.filter((event) => idsOf(only.ids, event).length > 0);
    const folded = await foldEvents(only, readable, parked, load, now());
    for (const document of folded.documents) documents.set(document.id, document);
    park.push(...folded.park);
    if (events.length < batch.events.length) break;
  }
  await replace(store, target, [...ids], documents, park);
  return [...ids].sort();
}

/**
 * Computes the documents of a stream again, from the inputs as they are, and puts them in the place of
 * the stored ones: those of the documents that the stream's events touch in the view they are of.
 */
export async function deriveStream(options: {
  readonly source: EventSource;
  readonly decode: Decode;
  readonly derivers: Derivers;
  readonly lane: Lane;
  readonly target: Target;
  readonly stream: string;
}): Promise<readonly string[]> {
  const { source, decode, derivers, lane, target, stream } = options;
  const of = lane.view.derived?.of;
  if (of === undefined) return [];
  const wanted = of.events === 'every' ? undefined : new Set(of.events.map((one) => one.typeName));
  const ids = new Set<string>();
  for await (const recorded of source.readStream(stream)) {
    if (wanted?.has(recorded.type) === false) continue;
    for (const id of idsOf(of.ids, decode(recorded))) ids.add(id);
  }
  derivers.of(lane, target).recompute([...ids], true);
  await derivers.settle(lane, target);
  return [...ids].sort();
}

async function replace(
  store: ReadModelStore,
  { ref, parked }: Target,
  ids: readonly string[],
  replayed: ReadonlyMap<string, StoredDocument>,
  park: Parameters<ReadModelStore['apply']>[0][number]['batch']['park'],
): Promise<void> {
  const stored = await store.load(ref, ids);
  const documents = ids.flatMap((id): StoredDocument[] => {
    const document = replayed.get(id);
    if (document !== undefined) return [document];
    const old = stored.get(id);
    return old === undefined ? [] : [{ ...old, document: undefined }];
  });
  const isOurs = new Set(ids);
  const old = (await store.parked(ref)).filter(({ documentId }) => isOurs.has(documentId));
  await store.apply([{ ref, batch: { documents, park, unpark: old, overwrite: true } }]);
  for (const id of ids) parked.delete(id);
  for (const { documentId } of park) parked.set(documentId, '');
}

function idsOf(
  ids: (event: DecodedEvent) => readonly string[],
  event: DecodedEvent,
): readonly string[] {
  if (event.problem !== undefined) return [];
  try {
    return ids(event);
  } catch {
    return [];
  }
}
