import type { GenerationRef, ReadModelStore, StoredDocument } from './read-model-store.ts';

/** What is about to be written to a generation: these documents, or any of them. */
export type Writing = {
  readonly ref: GenerationRef;
  readonly documents: readonly StoredDocument[] | 'any';
  /** Their versions need not be later ones: by an operator, or by a switch of generations. */
  readonly overwrite: boolean;
};

/** Settled before the writing begins; what it gives is called when that is over. */
export type OnWriting = (writing: Writing) => Promise<() => void>;

/**
 * The store, telling of everything that is written through it, before and after, and that before the
 * writer is told. What has failed may have been written, in part or as a whole: it is told of too.
 */
export function observed(store: ReadModelStore, onWriting: OnWriting): ReadModelStore {
  const telling = async <Result>(
    writings: readonly Writing[],
    write: () => Promise<Result>,
  ): Promise<Result> => {
    const after: (() => void)[] = [];
    for (const writing of writings) after.push(await onWriting(writing));
    try {
      return await write();
    } finally {
      for (const tell of after) tell();
    }
  };
  // What is not observed is the store's own.
  return Object.assign(Object.create(store) as ReadModelStore, {
    apply: (batches: Parameters<ReadModelStore['apply']>[0]) => {
      const writings = batches.flatMap(({ ref, batch: { documents, overwrite = false } }) =>
        documents.length === 0 ? [] : [{ ref, documents, overwrite }],
      );
      return telling(writings, () => store.apply(batches));
    },
    switchTo: (ref: GenerationRef, options?: { readonly backwards?: boolean }) =>
      telling([{ ref, documents: 'any', overwrite: true }], () => store.switchTo(ref, options)),
  } satisfies Partial<ReadModelStore>);
}
