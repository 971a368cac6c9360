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
  /**
   * For the computation of one document. Shared documents are given only of the subjects that its
   * document of `of` names. `again`: with what was kept from the last time
   */
  readonly readFor: (id: string, again: boolean) => ReadInputs;
  /** What is in `of` under the id, where that has not been read yet. */
  readonly learn: (id: string, document: JsonObject | undefined) => void;
  /** A shared document, or with undefined any of the view, is another one: who may have read it. */
  readonly forget: (view: View, ids: readonly string[] | 'any') => Iterable<string>;
};

/** Reads the live generations of inputs; keeps the shared documents in memory while they stay. */
export function createDerivationInputs(
  store: Pick<ReadModelStore, 'load'>,
  derivation: Derivation,
  refOf: (view: View) => GenerationRef,
): DerivationInputs {
  const { of, shared } = derivation;
  const shelves = new Map(
    shared.map(({ view, subject }) => {
      return [view.name, { subject, documents: new Map<string, JsonObject | undefined>() }];
    }),
  );
  const known = new Set(inputsOf(derivation).map(({ name }) => name));
  const subjectsOf = new Map<string, ReadonlySet<string>>();
  const readersOf = new Map<string, Set<string>>();

  const load = async (view: View, ids: readonly string[]) => {
    const found = new Map<string, JsonObject>();
    for (const [id, { document, unreadable }] of await store.load(refOf(view), ids)) {
      if (unreadable !== undefined) throw new Error(`${view.name} '${id}': ${unreadable}`);
      if (document !== undefined) found.set(id, document);
    }
    return found;
  };

  const register = (reader: string, document: JsonObject | undefined): ReadonlySet<string> => {
    const subjects = new Set(document === undefined ? [] : derivation.subjects(document));
    for (const subject of subjectsOf.get(reader) ?? []) {
      if (!subjects.has(subject)) readersOf.get(subject)?.delete(reader);
    }
    for (const subject of subjects) {
      const readers = readersOf.get(subject);
      if (readers === undefined) readersOf.set(subject, new Set([reader]));
      else readers.add(reader);
    }
    subjectsOf.set(reader, subjects);
    return subjects;
  };

  const readShared = async (view: View, ids: readonly string[]) => {
    const documents = shelves.get(view.name)?.documents ?? new Map();
    const missing = ids.filter((id) => !documents.has(id));
    if (missing.length > 0) {
      const loaded = await load(view, missing);
      for (const id of missing) documents.set(id, loaded.get(id));
    }
    const found = new Map<string, JsonObject>();
    for (const id of ids) {
      const document = documents.get(id);
      if (document !== undefined) found.set(id, document);
    }
    return found;
  };

  return {
    readFor: (reader, again) => {
      let subjects = again ? subjectsOf.get(reader) : undefined;
      return async (view, ids) => {
        if (!known.has(view.name)) throw new Error(`${view.name} is no input of the derivation`);
        const shelf = shelves.get(view.name);
        if (shelf !== undefined) {
          const stray = ids.find((id) => subjects?.has(shelf.subject(id)) !== true);
          if (stray === undefined) return readShared(view, ids);
          throw new Error(`'${reader}' in ${of.name} names no subject of ${view.name} '${stray}'`);
        }
        const found = await load(view, ids);
        if (view.name === of.name && ids.includes(reader)) {
          subjects = register(reader, found.get(reader));
        }
        return found;
      };
    },
    learn: (id, document) => {
      if (!subjectsOf.has(id)) register(id, document);
    },
    forget: (view, ids) => {
      const shelf = shelves.get(view.name);
      if (shelf === undefined) return [];
      const readers = new Set<string>();
      for (const id of ids === 'any' ? [...shelf.documents.keys()] : ids) {
        shelf.documents.delete(id);
        for (const reader of readersOf.get(shelf.subject(id)) ?? []) readers.add(reader);
      }
      return readers;
    },
  };
}
