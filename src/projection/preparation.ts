import type { JsonObject } from '../kernel/json.ts';
import type { Touched } from './derivation-changes.ts';
import type { GenerationRef, ReadModelStore, StoredDocument } from './read-model-store.ts';

/** Finds out what is due of a derived generation before any of it is computed. */
export type Preparation = {
  readonly isOver: () => boolean;
  /** All of it is due, whatever is known; `outOfOrder`: whatever the versions of what is stored. */
  readonly restart: (outOfOrder: boolean) => void;
  /** Goes on for some milliseconds; after a fault from the start again. @throws StoreFault */
  readonly advance: (until: number) => Promise<void>;
};

/** So many documents are looked at between two looks at the clock. */
const pageSize = 500;

export function createPreparation(options: {
  readonly store: Pick<ReadModelStore, 'scan'>;
  readonly of: () => GenerationRef;
  readonly target: GenerationRef;
  /** Whether it matters from the beginning on who reads which shared documents. */
  readonly hasReaders: boolean;
  /** What may have to be computed, as far as the generation has been kept; see createDeriver. */
  readonly resume: () => Promise<AsyncIterable<readonly Touched[]> | undefined>;
  readonly onEverything: () => void;
  readonly onDue: (id: string, outOfOrder: boolean) => void;
  readonly onTouched: (touched: Touched) => void;
  readonly learn: (id: string, document: JsonObject | undefined) => void;
}): Preparation {
  const { store, of, target, onDue, learn } = options;
  let everything: { readonly outOfOrder: boolean } | undefined;
  let running: AsyncGenerator<void> | undefined;
  let isOver = false;

  /** All documents, of the view that they are of and of their own. */
  async function* takeEverything(outOfOrder: boolean): AsyncGenerator<void> {
    options.onEverything();
    for (const ref of [of(), target]) {
      for await (const page of pagesOf(store.scan(ref))) {
        for (const { id, document } of page) {
          onDue(id, outOfOrder);
          if (ref !== target) learn(id, document);
        }
        yield;
      }
    }
  }

  async function* prepare(): AsyncGenerator<void> {
    const changes = everything === undefined ? await options.resume() : undefined;
    if (changes === undefined) return yield* takeEverything(everything?.outOfOrder === true);
    // Before the first shared document changes.
    for await (const page of options.hasReaders ? pagesOf(store.scan(of())) : []) {
      for (const { id, document } of page) learn(id, document);
      yield;
    }
    for await (const touched of changes) {
      for (const one of touched) options.onTouched(one);
      yield;
    }
  }

  return {
    isOver: () => isOver,
    restart: (outOfOrder) => {
      everything = { outOfOrder: outOfOrder || everything?.outOfOrder === true };
      isOver = false;
      void running?.return(undefined).catch(() => undefined);
      running = undefined;
    },
    advance: async (until) => {
      running ??= prepare();
      try {
        do {
          isOver = (await running.next()).done === true;
        } while (!isOver && performance.now() < until);
        if (!isOver) return;
        running = undefined;
        everything = undefined;
      } catch (error) {
        running = undefined;
        throw error;
      }
    },
  };
}

async function* pagesOf(
  documents: AsyncIterable<StoredDocument>,
): AsyncGenerator<readonly StoredDocument[]> {
  let page: StoredDocument[] = [];
  for await (const document of documents) {
    page.push(document);
    if (page.length < pageSize) continue;
    yield page;
    page = [];
  }
  yield page;
}
