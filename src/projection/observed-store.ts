import type { GenerationRef, ReadModelStore } from './read-model-store.ts';

/** What has been written to a generation: to these documents, or to any of them. */
export type Written = {
  readonly ref: GenerationRef;
  readonly ids: readonly string[] | 'any';
  /** By an operator, or by a switch of generations: their versions need not be later ones. */
  readonly outOfOrder: boolean;
};

/** The store, telling of everything that has been written through it, before the writer is told. */
export function observed(
  store: ReadModelStore,
  onWritten: (written: Written) => void,
): ReadModelStore {
  // What is not observed is the store's own.
  return Object.assign(Object.create(store) as ReadModelStore, {
    apply: async (batches: Parameters<ReadModelStore['apply']>[0]) => {
      const result = await store.apply(batches);
      for (const { ref, batch } of batches) {
        if (batch.documents.length === 0) continue;
        const ids = batch.documents.map(({ id }) => id);
        onWritten({ ref, ids, outOfOrder: batch.overwrite === true });
      }
      return result;
    },
    switchTo: async (ref: GenerationRef, options?: { readonly backwards?: boolean }) => {
      await store.switchTo(ref, options);
      onWritten({ ref, ids: 'any', outOfOrder: true });
    },
  } satisfies Partial<ReadModelStore>);
}
