import { EventStoreDBClient } from '@eventstore/db-client';
import { StoreFault } from '../../kernel/fault.ts';
import { guardAppends } from './append-guard.ts';
import { problemWithFiles } from './certificate-files.ts';
import { guardChannels } from './channel-guard.ts';

/**
 * Appends, reads and subscriptions have connections of their own: when the client connects again
 * because a call of one kind failed, the others go on.
 */

/** What a connection has at a time, of about 100 that the server allows. */
const mostCalls = 80;

type Shared = { client: EventStoreDBClient; users: number };

const appenders = new Map<string, Shared>();

export type Appender = {
  readonly client: () => EventStoreDBClient;
  /** Another client in the place of one that does not recover; once, whoever asks. */
  readonly renew: (broken: EventStoreDBClient) => void;
  readonly close: () => Promise<void>;
};

/**
 * One client appends for all stores of a process with the same connection string: clients that
 * append disturb one another (append-guard.ts), and share a stream well.
 */
export function openAppender(connectionString: string): Appender {
  const open = () => guardAppends(openClient(connectionString));
  const shared = appenders.get(connectionString) ?? { client: open(), users: 0 };
  appenders.set(connectionString, shared);
  shared.users += 1;
  return {
    client: () => shared.client,
    renew: (broken) => {
      if (shared.client !== broken) return;
      shared.client = open();
      void broken.dispose();
    },
    close: async () => {
      shared.users -= 1;
      if (shared.users > 0) return;
      appenders.delete(connectionString);
      await shared.client.dispose();
    },
  };
}

/**
 * A client with connections that it shares with no other.
 *
 * @throws StoreFault without the connection string, which may hold a password
 */
export function openClient(connectionString: string): EventStoreDBClient {
  const what = "EventStoreDB's connection string";
  const problem = problemWithFiles(connectionString);
  if (problem !== undefined) throw new StoreFault('STORE_FAILED', `${what}: ${problem}`);
  try {
    return guardChannels(EventStoreDBClient.connectionString(unshared(connectionString)));
  } catch {
    throw new StoreFault('STORE_FAILED', `${what} cannot be read`);
  }
}

let opened = 0;

/**
 * gRPC lets all clients of a process that have the same server and the same options share one
 * connection, with its limit of calls; the client has no option for that. An answer to a keep-alive
 * that may take a millisecond more or less makes no difference but this one.
 */
function unshared(connectionString: string): string {
  opened = (opened + 1) % 1000;
  const found = /([?&]keepAliveTimeout=)(-?\d+)/i.exec(connectionString);
  if (found !== null) {
    const [given, option, value] = found;
    // Below 0 is for ever, which has no other.
    if (Number(value) < 0) return connectionString;
    return connectionString.replace(given, `${option}${Number(value) + opened}`);
  }
  const separator = connectionString.includes('?') ? '&' : '?';
  return `${connectionString}${separator}keepAliveTimeout=${clientsKeepAliveTimeoutMs + opened}`;
}

const clientsKeepAliveTimeoutMs = 10_000;

export type Lease = { readonly client: EventStoreDBClient; readonly release: () => void };
export type ClientPool = {
  /** For one call that lasts. To be released once. */
  readonly lease: () => Lease;
  readonly close: () => Promise<void>;
};

/**
 * A connection has about 100 calls at a time, and those beyond wait without a word: there are as many
 * connections as the calls under way need. Nobody waits for another here, so that reads within
 * reads do not stop each other.
 *
 * @throws StoreFault for a connection string that cannot be read
 */
export function createClientPool(connectionString: string, most = mostCalls): ClientPool {
  const clients = [{ client: openClient(connectionString), calls: 0 }];

  function lease(): Lease {
    let free = clients.find(({ calls }) => calls < most);
    if (free === undefined) {
      free = { client: openClient(connectionString), calls: 0 };
      clients.push(free);
    }
    const { client } = free;
    const leased = free;
    leased.calls += 1;
    return {
      client,
      release: () => {
        leased.calls -= 1;
      },
    };
  }

  const close = async () => {
    await Promise.all(clients.map(({ client }) => client.dispose()));
  };

  return { lease, close };
}

/** How long the server is given for a call that has an answer, as the connection string says. */
export function deadlineMsOf(connectionString: string): number {
  const [, value] = /[?&]default[_-]?deadline=(\d+)/i.exec(connectionString) ?? [];
  return value === undefined ? clientsDefaultDeadlineMs : Number(value);
}

const clientsDefaultDeadlineMs = 10_000;

export function closedFault(): StoreFault {
  return new StoreFault('STORE_CLOSED', 'the event store is closed');
}
