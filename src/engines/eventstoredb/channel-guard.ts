import { setTimeout as delay } from 'node:timers/promises';
import type { EventStoreDBClient } from '@eventstore/db-client';

type Channel = { readonly close: () => void };

/** What Kurrent's client 6.2 does about its connection, as far as it is used here. */
type Connecting = {
  createChannel: () => Promise<Channel>;
  handleError: (failed: { readonly getChannel: () => Channel }, error: unknown) => Promise<void>;
  readonly shouldReconnect: (error: unknown) => readonly [should: boolean, ...unknown[]];
  dispose: () => Promise<void>;
};

const names = ['createChannel', 'handleError', 'shouldReconnect', 'dispose'] as const;

/** A connection that fails so soon after the one before it is not given up at once. */
const calmMs = 5_000;
const shortestPauseMs = 100;
const longestPauseMs = 1_000;

/**
 * Kurrent's client loses connections, which then stay open:
 *
 * - For every call that fails it gives up the connection, and makes another one for the next. One
 *   that is given up while it waits to try again is made all the same, when the server is back, and
 *   is nobody's (grpc-js 1.14). Here each is given up once, and the next after pauses that grow.
 * - A client that is disposed of ends its calls, and not its connection.
 */
export function guardChannels(client: EventStoreDBClient): EventStoreDBClient {
  const connecting = client as unknown as Connecting;
  const missing = names.find((name) => typeof connecting[name] !== 'function');
  if (missing !== undefined) throw new Error(`this client of EventStoreDB has no ${missing}`);
  const { createChannel, handleError, dispose } = connecting;
  const open = new Set<Channel>();
  connecting.createChannel = async () => {
    const channel = await createChannel();
    open.add(channel);
    return channel;
  };
  let pauseMs = 0;
  let givenUpAt = Number.NEGATIVE_INFINITY;
  connecting.handleError = async (failed, error) => {
    if (!connecting.shouldReconnect(error)[0]) return;
    const channel = failed.getChannel();
    if (!open.delete(channel)) return;
    const isCalm = performance.now() - givenUpAt > calmMs;
    pauseMs = isCalm ? 0 : Math.min(longestPauseMs, Math.max(shortestPauseMs, 2 * pauseMs));
    if (pauseMs > 0) await delay(pauseMs, undefined, { ref: false });
    givenUpAt = performance.now();
    try {
      await handleError(failed, error);
    } finally {
      channel.close();
    }
  };
  connecting.dispose = async () => {
    await dispose.call(client);
    for (const channel of open) channel.close();
    open.clear();
  };
  return client;
}
