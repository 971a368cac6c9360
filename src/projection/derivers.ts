import { setTimeout as delay } from 'node:timers/promises';
import { StoreFault } from '../kernel/fault.ts';
import { isAfter, latest } from '../kernel/position.ts';
import type { Log } from '../kernel/telemetry.ts';
import type { Target } from './apply.ts';
import type { Decode } from './decode.ts';
import { changesAfter } from './derivation-changes.ts';
import { createDerivationMarks } from './derivation-marks.ts';
import { type Checkpoint, createDeriver, type Deriver, type Step } from './deriver.ts';
import type { EventSource } from './event-source.ts';
import { type Derivation, inputsOf, type View } from './kit.ts';
import { isFed, type Lane } from './lane.ts';
import type { OnWriting } from './observed-store.ts';
import type { ReadModelStore, StoredDocument } from './read-model-store.ts';

/** Those of all generations of derived views that are kept, built or verified. */
export type Derivers = {
  /** To be told of whatever is written through the store. */
  readonly onWriting: OnWriting;
  readonly of: (lane: Lane, target: Target) => Deriver;
  /** The generation is no longer of interest. */
  readonly forget: (target: Target) => void;
  /** None is of interest any more: another one keeps them. */
  readonly clear: () => void;
  /**
   * Brings a generation up to its inputs, piece by piece between all other work; waits for inputs
   * that are being built. @returns where it is; undefined where the signal has aborted before
   */
  readonly catchUp: (
    lane: Lane,
    target: Target,
    options: { readonly signal?: AbortSignal; readonly onProgress?: (done: number) => void },
  ) => Promise<Checkpoint | undefined>;
  /** The same at a stretch, while nothing else is written. @throws StoreFault where an input is away */
  readonly settle: (lane: Lane, target: Target) => Promise<Checkpoint>;
  /** Keeps the live ones until the signal aborts. */
  readonly follow: (signal: AbortSignal) => Promise<void>;
};

const idleMs = 20;
const waitMs = 100;
const longestBackoffMs = 2_000;
/** After each piece others have the processor for as long, and for this many milliseconds at least. */
const leastPauseMs = 1;

export function createDerivers(options: {
  readonly store: ReadModelStore;
  readonly source: Pick<EventSource, 'readAll'>;
  readonly decode: Decode;
  readonly typesOf: (lane: Lane) => ReadonlySet<string> | undefined;
  readonly lanes: readonly Lane[];
  readonly exclusively: <Result>(task: () => Promise<Result>) => Promise<Result>;
  readonly log: Log;
}): Derivers {
  const { store, lanes, exclusively, log } = options;
  const marks = createDerivationMarks(store, lanes);
  const derivers = new Map<Target, Deriver>();

  const of = (lane: Lane, target: Target) => {
    const known = derivers.get(target);
    if (known !== undefined) return known;
    const view = lane.view as View & { readonly derived: Derivation };
    const resume = async () => {
      const after = await marks.resumeAfter(lane, target);
      return after === undefined ? undefined : changesAfter(after, view.derived, options);
    };
    // What becomes of one that is not live is told by no mark.
    const onUnsound = async () => {
      if (lane.target === target) await marks.takeAway(view);
    };
    const deriver = createDeriver({ ...options, view, target, resume, onUnsound });
    derivers.set(target, deriver);
    return deriver;
  };

  /** By an input: those that are derived from it. */
  const derivedFrom = Map.groupBy(
    lanes.flatMap(({ view }) =>
      view.derived === undefined ? [] : inputsOf(view.derived).map(({ name }) => ({ name, view })),
    ),
    ({ name }) => name,
  );

  const onWriting: OnWriting = async ({ ref, documents, overwrite }) => {
    const lane = lanes.find(({ view }) => view.name === ref.view.name);
    const concerned = derivedFrom.get(ref.view.name) ?? [];
    // What is built beside the live one is no input yet.
    const isLive = documents === 'any' || lane?.target?.ref.generation === ref.generation;
    if (lane === undefined || concerned.length === 0 || !isLive) return () => undefined;
    const ids = documents === 'any' ? documents : documents.map(({ id }) => id);
    const isLater = ({ version }: StoredDocument) => isAfter(version, lane.checkpoint);
    const outOfOrder = documents === 'any' || overwrite || !documents.every(isLater);
    // A start would not find it in the log after what has been applied.
    if (outOfOrder) for (const { view } of concerned) await marks.takeAway(view);
    return () => {
      for (const deriver of derivers.values()) deriver.notice({ ref, ids, outOfOrder });
    };
  };

  /** A piece of work, and a pause as long. @returns undefined where it is no longer fed */
  const piece = async (step: () => Promise<Step | undefined>) => {
    let tookMs = 0;
    const taken = await exclusively(async () => {
      const startedAt = performance.now();
      const result = await step();
      tookMs = performance.now() - startedAt;
      return result;
    });
    const isAtRest = taken === undefined || taken.lacksInput || (taken.idle && taken.done === 0);
    await delay(isAtRest ? idleMs : Math.max(leastPauseMs, tookMs));
    return taken;
  };

  const followOne = async (lane: Lane) => {
    await piece(async () => {
      const { target } = lane;
      if (target === undefined || !isFed(lane)) return undefined;
      const step = await of(lane, target).step();
      if (step.reached !== undefined) {
        lane.checkpoint = latest(lane.checkpoint, step.reached.position);
        lane.storedAt = step.reached.storedAt;
      }
      lane.applied += step.done;
      if (step.isSound && step.reached !== undefined) {
        await marks.set(lane, target, step.reached.position);
      }
      return step;
    });
  };

  const followPatiently = async (lane: Lane, signal: AbortSignal) => {
    let backoffMs = waitMs;
    while (!signal.aborted) {
      try {
        await followOne(lane);
        backoffMs = waitMs;
      } catch (error) {
        const { name: view } = lane.view;
        log.warn({ view, err: error }, 'a derived view waits for its stores');
        await delay(backoffMs, undefined, { signal }).catch(() => undefined);
        backoffMs = Math.min(backoffMs * 2, longestBackoffMs);
      }
    }
  };

  return {
    of,
    onWriting,
    forget: (target) => {
      derivers.delete(target);
    },
    clear: () => {
      derivers.clear();
      marks.forget();
    },
    catchUp: async (lane, target, { signal, onProgress }) => {
      const deriver = of(lane, target);
      while (signal?.aborted !== true) {
        const step = await piece(deriver.step);
        if (step === undefined) continue;
        onProgress?.(step.done);
        if (step.idle) return step.reached;
        if (step.lacksInput) await delay(waitMs);
      }
      return undefined;
    },
    settle: async (lane, target) => {
      const deriver = of(lane, target);
      for (;;) {
        const { idle, lacksInput, reached } = await deriver.step();
        if (lacksInput) {
          const message = `${lane.view.name} waits for what it is derived from`;
          throw new StoreFault('STORE_UNAVAILABLE', message);
        }
        if (idle && reached !== undefined) return reached;
      }
    },
    follow: async (signal) => {
      const derived = lanes.filter(({ view }) => view.derived !== undefined);
      await Promise.all(derived.map((lane) => followPatiently(lane, signal)));
    },
  };
}
