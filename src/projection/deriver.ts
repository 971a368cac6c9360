import { isDeepStrictEqual } from 'node:util';
import { StoreFault } from '../kernel/fault.ts';
import type { JsonObject } from '../kernel/json.ts';
import { earliest, isAfter, type Position } from '../kernel/position.ts';
import type { Log } from '../kernel/telemetry.ts';
import type { Target } from './apply.ts';
import { messageOf } from './decode.ts';
import type { Touched } from './derivation-changes.ts';
import { createDerivationInputs, fedInputs } from './derivation-inputs.ts';
import { createDue } from './due.ts';
import { type Derivation, inputsOf, type View } from './kit.ts';
import type { Lane } from './lane.ts';
import { createPreparation } from './preparation.ts';
import type { GenerationRef, ReadModelStore, StoredDocument } from './read-model-store.ts';

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
  /** What a start would find in the log after `reached` is all that may be to be computed. */
  readonly isSound: boolean;
};

/** What has been written to a generation: to these documents, or to any of them. */
export type Written = {
  readonly ref: GenerationRef;
  readonly ids: readonly string[] | 'any';
  /** Their versions need not be later ones. */
  readonly outOfOrder: boolean;
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
  /**
   * What may have to be computed of a generation that has been kept before, in pieces; undefined where
   * that cannot be told: then it is everything. Asked when the inputs are there.
   */
  readonly resume: () => Promise<AsyncIterable<readonly Touched[]> | undefined>;
  /** Settled before the checkpoint moves past a document that could not be computed. */
  readonly onUnsound: () => Promise<void>;
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
 *
 * At the start it is found out first what is due: what has come after the checkpoint, where nothing
 * else can be missing, or everything.
 */
export function createDeriver(options: Options): Deriver {
  const { store, view, target, lanes, log } = options;
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
  /** Shared documents that have changed before it was known who reads them. */
  const changedMeanwhile: { view: View; ids: readonly string[]; outOfOrder: boolean }[] = [];
  /** When all that was due before this number is done, nothing is missing but what the log tells. */
  let soundFrom = Number.POSITIVE_INFINITY;
  let isSound = false;
  let mark: (Checkpoint & { readonly until: number }) | undefined;
  let reached: Checkpoint | undefined;
  let last: Position | undefined;

  const recompute: Deriver['recompute'] = (ids, forced = false) => {
    if (ids === undefined) preparation.restart(forced);
    for (const id of ids ?? []) {
      kept.delete(id);
      due.add(id, 'first');
      if (forced) outOfOrder.add(id);
    }
  };

  const take = (input: View, ids: readonly string[], forced: boolean) => {
    const own = derived.own.find((one) => one.view.name === input.name);
    if (derived.of.name === input.name) recompute(ids, forced);
    else if (own !== undefined) recompute([...new Set(ids.map(own.owner))], forced);
    else {
      for (const id of inputs.forget(input, ids)) {
        due.add(id, 'later');
        if (forced) outOfOrder.add(id);
      }
      if (!preparation.isOver()) changedMeanwhile.push({ view: input, ids, outOfOrder: forced });
    }
  };

  const notice = ({ ref, ids, outOfOrder: forced }: Written) => {
    const input = inputsOf(derived).find(({ name }) => name === ref.view.name);
    if (input === undefined) return;
    if (ids === 'any') {
      inputs.forget(input, 'any');
      recompute(undefined, forced);
    } else {
      // What is built beside the live one is no input yet.
      const live = lanes.find((one) => one.view.name === input.name)?.target?.ref.generation;
      if (ref.generation !== live) return;
      take(input, ids, forced);
    }
    if (forced) notSoundYet();
  };

  const notSoundYet = () => {
    soundFrom = due.next();
    isSound = false;
  };

  const preparation = createPreparation({
    ...{ store, of: () => refOf(derived.of), target: target.ref },
    ...{ hasReaders: derived.shared.length > 0, resume: options.resume, learn: inputs.learn },
    onEverything: () => kept.clear(),
    onDue: (id, forced) => {
      due.add(id, 'later');
      if (forced) outOfOrder.add(id);
    },
    onTouched: ({ view: input, ids }) => take(input, ids, false),
  });

  /** @returns whether it is known what is due */
  const prepare = async (until: number): Promise<boolean> => {
    if (preparation.isOver()) return true;
    await preparation.advance(until);
    if (!preparation.isOver()) return false;
    for (const one of changedMeanwhile.splice(0)) take(one.view, one.ids, one.outOfOrder);
    notSoundYet();
    return true;
  };

  const computeOne = async (id: string) => {
    try {
      const before = kept.get(id);
      const read = inputs.readFor(id, before !== undefined);
      const { document, keep } = await derived.compute(id, read, before);
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
    const { position, storedAt, until } = mark;
    mark = undefined;
    // What is held for the sake of an event that the log tells of harms nothing.
    const isAllWritten = isSound || held.size === 0;
    isSound = isAllWritten && target.parked.size === 0 && until >= soundFrom;
    if (target.parked.size > 0) await options.onUnsound();
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
      const nothing = { done: 0, idle: false, reached, lacksInput: false, isSound: false };
      if (fed === undefined) return { ...nothing, lacksInput: true };
      const until = performance.now() + stepMs;
      if (!(await prepare(until))) return nothing;
      const position = fed.map(({ checkpoint }) => checkpoint).reduce(earliest);
      if (last === undefined || isAfter(position, last)) {
        for (const id of held) due.add(id, 'later');
        if (held.size > 0 && !isSound) notSoundYet();
        held.clear();
      }
      last = position;
      const storedAt = Math.min(...fed.map((lane) => lane.storedAt));
      mark ??= { position, storedAt, until: due.next() };
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
      const idle = due.size() === 0 && mark === undefined;
      return { done, idle, reached, lacksInput: false, isSound };
    },
  };
}

function isSame(stored: StoredDocument | undefined, document: JsonObject | undefined): boolean {
  if (stored?.unreadable !== undefined) return false;
  return isDeepStrictEqual(stored?.document, document);
}
