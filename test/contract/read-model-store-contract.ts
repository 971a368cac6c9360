import { afterAll, beforeAll, describe } from '@jest/globals';
import type { ReadModelStore } from '../../src/projection/read-model-store.ts';
import type { ReadModels } from '../../src/read/read-models.ts';
import { describeGenerations } from '../support/read-models-generations.ts';
import { describeGuarding } from '../support/read-models-guarding.ts';
import { describeListing } from '../support/read-models-listing.ts';
import { describePaging } from '../support/read-models-paging.ts';
import { describeSearching } from '../support/read-models-searching.ts';
import { describeWriting } from '../support/read-models-writing.ts';

/** The two ports to the same read models, as a projector and a read server have them. */
export type OpenReadModels = {
  readonly store: ReadModelStore;
  readonly models: ReadModels;
  readonly close: () => Promise<void>;
};

/**
 * What every store of read models has to do: written through one port, read through the other. It
 * need not be empty: each test has views of its own.
 */
export function describeReadModelStoreContract(
  name: string,
  open: () => Promise<OpenReadModels>,
): void {
  describe(`the read model store contract over ${name}`, () => {
    let opened: OpenReadModels;
    beforeAll(async () => {
      opened = await open();
    });
    afterAll(() => opened.close());
    const underTest = {
      get store() {
        return opened.store;
      },
      get models() {
        return opened.models;
      },
    };
    describeWriting(underTest);
    describeListing(underTest);
    describePaging(underTest);
    describeSearching(underTest);
    describeGenerations(underTest);
    describeGuarding(underTest);
  });
}
