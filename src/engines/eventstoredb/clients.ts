import { EventStoreDBClient } from '@eventstore/db-client';
import { StoreFault } from '../../kernel/fault.ts';

/**
 * Three connections for three kinds of calls. Kurrent's client keeps the appends under way of all of
 * its instances in one place: when the stream of appends of one instance breaks, those of the others
 * are rejected too, and an answer that still comes for one of them is an uncaught TypeError. So
 * a process has one instance that appends for each connection string; reads and subscriptions,
 * whose streams break for reasons of their own, have others.
 *
 * A connection has about 100 streams at a time: reads take turns.
 */
const mostReads = 80;

type Shared = { readonly client: EventStoreDBClient; users: number };

const appenders = new Map<string, Shared>();

export function openAppender(connectionString: string) {
  const shared = appenders.get(connectionString) ?? {
    client: openClient(connectionString),
    users: 0,
  };
  appenders.set(connectionString, shared);
  shared.users += 1;
  return {
    client: shared.client,
    close: async (): Promise<void> => {
      shared.users -= 1;
      if (shared.users > 0) return;
      appenders.delete(connectionString);
      await shared.client.dispose();
    },
  };
}

/** @throws StoreFault without the connection string, which may hold a password */
export function openClient(connectionString: string): EventStoreDBClient {
  try {
    return EventStoreDBClient.connectionString(connectionString);
  } catch {
    throw new StoreFault('STORE_FAILED', "EventStoreDB's connection string cannot be read");
  }
}

/** Lets so many be under way; the others wait in their order. */
export function createGate(most: number = mostReads) {
  let free = most;
  const waiting: (() => void)[] = [];
  return {
    enter: async (): Promise<void> => {
      if (free > 0) free -= 1;
      else await new Promise<void>((resolve) => waiting.push(resolve));
    },
    leave: (): void => {
      const next = waiting.shift();
      if (next === undefined) free += 1;
      else next();
    },
  };
}

export function closedFault(): StoreFault {
  return new StoreFault('STORE_CLOSED', 'the event store is closed');
}
