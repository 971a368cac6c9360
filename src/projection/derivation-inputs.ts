import type { JsonObject } from '../kernel/json.ts';
import { type Derivation, inputsOf, type ReadInputs, type View } from './kit.ts';
import { isFed, type Lane } from './lane.ts';
import type { GenerationRef, ReadModelStore } from './read-model-store.ts';

/** The lanes that a derivation reads, while all of them have a live generation that is fed. */
export function fedInputs(derivation: Derivation, lanes: readonly Lane[]) {
  const fed = inputsOf(derivation).flatMap((view) =>
    lanes.filter((lane) => lane.view.name === view.name).filter(isFed),
  );
  return fed.length === inputsOf(derivation).length ? fed : undefined;
}

export type DerivationInputs = {
  /** For the computation of one document: remembers which shared documents that has read. */
  readonly readFor: (id: string) => ReadInputs;
  /** A shared document, or with undefined any of the view, is another one: who has read it. */
  readonly forget: (view: View, ids: readonly string[] | 'any') => Iterable<string>;
};

type Shelf = {
  readonly documents: Map<string, JsonObject | undefined>;
  /** By the id of the shared document: who has ever read it. */
  readonly readers: Map<string, Set<string>>;
};

/** Reads the live generations of inputs; keeps the shared documents in memory while they stay. */
export function createDerivationInputs(
  store: Pick<ReadModelStore, 'load'>,
  derivation: Derivation,
  refOf: (view: View) => GenerationRef,
): DerivationInputs {
  const shelves = new Map<string, Shelf>(
    derivation.shared.map(({ name }) => [name, { documents: new Map(), readers: new Map() }]),
  );
  const known = new Set(inputsOf(derivation).map(({ name }) => name));

  const load = async (view: View, ids: readonly string[]) => {
    const found = new Map<string, JsonObject>();
    for (const [id, { document, unreadable }] of await store.load(refOf(view), ids)) {
      if (unreadable !== undefined) throw new Error(`${view.name} '${id}': ${unreadable}`);
      if (document !== undefined) found.set(id, document);
    }
    return found;
  };

  const readShared = async (shelf: Shelf, view: View, ids: readonly string[], reader: string) => {
    const missing = ids.filter((id) => !shelf.documents.has(id));
    if (missing.length > 0) {
      const loaded = await load(view, missing);
      for (const id of missing) shelf.documents.set(id, loaded.get(id));
    }
    const found = new Map<string, JsonObject>();
    for (const id of ids) {
      const readers = shelf.readers.get(id);
      if (readers === undefined) shelf.readers.set(id, new Set([reader]));
      else readers.add(reader);
      const document = shelf.documents.get(id);
      if (document !== undefined) found.set(id, document);
    }
    return found;
  };

  return {
    readFor: (reader) => (view, ids) => {
      if (!known.has(view.name)) throw new Error(`${view.name} is no input of the derivation`);
      const shelf = shelves.get(view.name);
      return shelf === undefined ? load(view, ids) : readShared(shelf, view, ids, reader);
    },
    forget: (view, ids) => {
      const shelf = shelves.get(view.name);
      if (shelf === undefined) return [];
      const readers = new Set<string>();
      for (const id of ids === 'any' ? [...shelf.documents.keys()] : ids) {
        shelf.documents.delete(id);
        for (const reader of shelf.readers.get(id) ?? []) readers.add(reader);
      }
      return readers;
    },
  };
}
