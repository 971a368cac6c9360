import { isDeepStrictEqual } from 'node:util';
import { StoreFault } from '../kernel/fault.ts';
import type { JsonObject } from '../kernel/json.ts';
import { earliest, isAfter, type Position } from '../kernel/position.ts';
import type { Log } from '../kernel/telemetry.ts';
import type { Target } from './apply.ts';
import { messageOf } from './decode.ts';
import { createDerivationInputs, fedInputs } from './derivation-inputs.ts';
import { createDue } from './due.ts';
import type { Derivation, View } from './kit.ts';
import type { Lane } from './lane.ts';
import type { Written } from './observed-store.ts';
import type { ReadModelStore, StoredDocument } from './read-model-store.ts';

export type Checkpoint = { readonly position: Position; readonly storedAt: number };

export type Step = {
  /** How many documents have been looked at. */
  readonly done: number;
  /** Nothing waits to be computed. */
  readonly idle: boolean;
  /** Up to where the inputs are in the documents; undefined where no step has settled that yet. */
  readonly reached: Checkpoint | undefined;
  /** One of the inputs has no live generation that is fed. */
  readonly lacksInput: boolean;
};

export type Deriver = {
  readonly notice: (written: Written) => void;
  /** Everything is to be computed again; `outOfOrder`: whatever the versions of what is stored. */
  readonly recompute: (ids?: readonly string[], outOfOrder?: boolean) => void;
  /**
   * Computes for some milliseconds. Not while anything else is written to live generations, nor
   * beside another step. @throws StoreFault
   */
  readonly step: () => Promise<Step>;
};

type Options = {
  readonly store: ReadModelStore;
  readonly view: View & { readonly derived: Derivation };
  readonly target: Target;
  readonly lanes: readonly Lane[];
  readonly log: Log;
};

const stepMs = 10;
/** So many documents are computed beside one another: an engine over a network takes its time. */
const atOnce = 20;

/**
 * Keeps the documents of one generation of a derived view.
 *
 * What is due is what has changed, or rests on what has. A document is computed from the inputs as
 * they are, and gets the position of the input that is furthest behind (P) as its version: it says
 * all that there is up to there. It is written only where P is after the version that is stored, as
 * every document; until then it waits for P to move on, which it does, as what it was computed again
 * for has a later position. The checkpoint moves to a P when all that was due at that time is done.
 */
export function createDeriver({ store, view, target, lanes, log }: Options): Deriver {
  const { derived } = view;
  const refOf = (input: View) => {
    const lane = lanes.find((one) => one.view.name === input.name);
    if (lane?.target === undefined) throw new Error(`${input.name} has no live generation`);
    return lane.target.ref;
  };
  const inputs = createDerivationInputs(store, derived, refOf);
  const due = createDue();
  const kept = new Map<string, unknown>();
  /** Wait for P to move on. */
  const held = new Set<string>();
  const outOfOrder = new Set<string>();
  let everything: { readonly outOfOrder: boolean } | undefined = { outOfOrder: false };
  let mark: (Checkpoint & { readonly until: number }) | undefined;
  let reached: Checkpoint | undefined;
  let last: Position | undefined;

  const recompute: Deriver['recompute'] = (ids, forced = false) => {
    if (ids === undefined) everything = { outOfOrder: forced || everything?.outOfOrder === true };
    for (const id of ids ?? []) {
      kept.delete(id);
      due.add(id, 'first');
      if (forced) outOfOrder.add(id);
    }
  };

  const notice = ({ ref, ids, outOfOrder: forced }: Written) => {
    const name = ref.view.name;
    const isOf = derived.of.name === name;
    const own = derived.own.find((one) => one.view.name === name);
    const isShared = derived.shared.some((one) => one.name === name);
    if (!isOf && own === undefined && !isShared) return;
    const live = lanes.find((one) => one.view.name === name)?.target?.ref.generation;
    if (ids === 'any') {
      inputs.forget(ref.view, 'any');
      return recompute(undefined, forced);
    }
    // What is built beside the live one is no input yet.
    if (ref.generation !== live) return;
    if (isShared) {
      for (const id of inputs.forget(ref.view, ids)) {
        due.add(id, 'later');
        if (forced) outOfOrder.add(id);
      }
      return;
    }
    recompute(own === undefined ? ids : [...new Set(ids.map(own.owner))], forced);
  };

  /** All documents, of the view that they are of and of their own. */
  const takeEverything = async () => {
    if (everything === undefined) return;
    const { outOfOrder: forced } = everything;
    everything = undefined;
    kept.clear();
    for (const ref of [refOf(derived.of), target.ref]) {
      for await (const { id } of store.scan(ref)) {
        due.add(id, 'later');
        if (forced) outOfOrder.add(id);
      }
    }
  };

  const computeOne = async (id: string) => {
    try {
      const before = kept.get(id);
      const { document, keep } = await derived.compute(id, inputs.readFor(id), before);
      if (keep === undefined) kept.delete(id);
      else kept.set(id, keep);
      return { id, document };
    } catch (error) {
      kept.delete(id);
      return { id, error };
    }
  };

  const write = async (version: Position, ids: readonly string[]) => {
    const computed = await Promise.all(ids.map(computeOne));
    const stored = await store.load(target.ref, ids);
    const now: StoredDocument[] = [];
    const forced: StoredDocument[] = [];
    for (const one of computed) {
      if ('error' in one) {
        // A store that is away is away for all of them.
        if (one.error instanceof StoreFault) throw one.error;
        park(one.id, messageOf(one.error));
        continue;
      }
      const { id, document } = one;
      target.parked.delete(id);
      const before = stored.get(id);
      if (isSame(before, document)) outOfOrder.delete(id);
      else if (outOfOrder.has(id)) forced.push({ id, version, document });
      else if (before === undefined || isAfter(version, before.version)) {
        now.push({ id, version, document });
      } else held.add(id);
    }
    const batches = [
      { ref: target.ref, batch: { documents: now, park: [], unpark: [] } },
      { ref: target.ref, batch: { documents: forced, park: [], unpark: [], overwrite: true } },
    ].filter(({ batch }) => batch.documents.length > 0);
    if (batches.length === 0) return;
    const { refused } = await store.apply(batches);
    for (const { documentId, error } of refused) park(documentId, error);
    const isRefused = new Set(refused.map(({ documentId }) => documentId));
    if (refused.length > 0) {
      const rest = batches.map(({ ref, batch }) => {
        const documents = batch.documents.filter(({ id }) => !isRefused.has(id));
        return { ref, batch: { ...batch, documents } };
      });
      await store.apply(rest);
    }
    for (const { id } of forced) outOfOrder.delete(id);
  };

  const park = (id: string, error: string) => {
    target.parked.set(id, error);
    log.error({ view: view.name, documentId: id, error }, 'a derived document cannot be computed');
  };

  const settle = async () => {
    if (mark === undefined || due.oldest() < mark.until) return;
    const { position, storedAt } = mark;
    mark = undefined;
    if (reached !== undefined && !isAfter(position, reached.position)) return;
    const checkpoint = { position, storedAt };
    const batch = { documents: [], park: [], unpark: [], checkpoint };
    await store.apply([{ ref: target.ref, batch }]);
    reached = checkpoint;
  };

  return {
    notice,
    recompute,
    step: async () => {
      const fed = fedInputs(derived, lanes);
      if (fed === undefined) return { done: 0, idle: false, reached, lacksInput: true };
      await takeEverything();
      const position = fed.map(({ checkpoint }) => checkpoint).reduce(earliest);
      if (last === undefined || isAfter(position, last)) {
        for (const id of held) due.add(id, 'later');
        held.clear();
      }
      last = position;
      const storedAt = Math.min(...fed.map((lane) => lane.storedAt));
      mark ??= { position, storedAt, until: due.next() };
      const until = performance.now() + stepMs;
      let done = 0;
      do {
        const ids = due.take(atOnce);
        if (ids.length === 0) break;
        try {
          await write(position, ids);
        } catch (error) {
          recompute(ids);
          throw error;
        }
        done += ids.length;
      } while (performance.now() < until);
      await settle();
      return { done, idle: due.size() === 0 && mark === undefined, reached, lacksInput: false };
    },
  };
}

function isSame(stored: StoredDocument | undefined, document: JsonObject | undefined): boolean {
  if (stored?.unreadable !== undefined) return false;
  return isDeepStrictEqual(stored?.document, document);
}
