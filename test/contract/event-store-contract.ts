import { afterAll, beforeAll, describe } from '@jest/globals';
import type { EventSource } from '../../src/projection/event-source.ts';
import type { EventStore } from '../../src/write/event-store.ts';
import { describeAppending } from '../support/event-log-appending.ts';
import { describeLog } from '../support/event-log-reading.ts';
import { describeStreams } from '../support/event-log-streams.ts';
import { describeSubscriptions } from '../support/event-log-subscriptions.ts';

export type OpenEventStore = {
  readonly store: EventStore;
  readonly source: EventSource;
  /** Closes both and opens the same log again. */
  readonly reopen: () => Promise<OpenEventStore>;
  readonly close: () => Promise<void>;
};

/** The log of the test that runs, and how to go on with it after a restart. */
export type EventStoreUnderTest = {
  readonly store: EventStore;
  readonly source: EventSource;
  readonly reopen: () => Promise<void>;
};

/**
 * What every event store has to do, over its ports alone. The log need not be empty: the tests look
 * at streams of their own, and at what came after they began.
 */
export function describeEventStoreContract(
  name: string,
  open: () => Promise<OpenEventStore>,
): void {
  describe(`the event store contract over ${name}`, () => {
    let opened: OpenEventStore;
    beforeAll(async () => {
      opened = await open();
    });
    afterAll(() => opened.close());
    const log: EventStoreUnderTest = {
      get store() {
        return opened.store;
      },
      get source() {
        return opened.source;
      },
      reopen: async () => {
        opened = await opened.reopen();
      },
    };
    describeAppending(log);
    describeStreams(log);
    describeLog(log);
    describeSubscriptions(log);
  });
}
