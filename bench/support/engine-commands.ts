import { randomUUID } from 'node:crypto';
import { ANY, EventStoreDBClient, jsonEvent } from '@eventstore/db-client';
import type { RecordedEvent } from '../../src/kernel/event.ts';
import { openBus } from './command-bus.ts';
import { openEngines, type Prefix } from './engines.ts';
import { type Compared, compare, ratePerSecond } from './rounds.ts';

const rounds = 9;
const roundMs = 1_500;

/**
 * Commands through the command bus and the adapter against appends of the same events through the
 * client alone, by as many callers on as many streams.
 */
export async function compareWithAppends(
  input: Prefix & {
    readonly folder: string;
    readonly callers: number;
    /** Each portfolio has one caller alone; otherwise they meet at random. */
    readonly isOwn: boolean;
  },
): Promise<Compared> {
  const { folder, callers, isOwn } = input;
  await using bus = openBus(folder, openEngines(input).eventStore());
  const ids = await Promise.all(Array.from({ length: callers }, bus.open));
  const choose = (caller: number) => (isOwn ? caller : Math.floor(Math.random() * callers));
  const send = () =>
    ratePerSecond(roundMs, callers, (caller) => bus.deposit(ids[choose(caller)] ?? ''));
  await send();
  const { type, data, metadata } = await newestOf(bus.store, `portfolio-${ids[0]}`);
  const client = EventStoreDBClient.connectionString(process.env.EVENTSTORE_URL ?? '');
  const run = randomUUID();
  const append = (caller: number) => {
    const event = jsonEvent({ id: randomUUID(), type, data, metadata });
    const stream = `bench-${run}-${choose(caller)}`;
    return client.appendToStream(stream, event, { expectedRevision: ANY });
  };
  try {
    return await compare(rounds, send, () => ratePerSecond(roundMs, callers, append));
  } finally {
    await client.dispose();
  }
}

async function newestOf(
  store: { readonly read: ReturnType<typeof openBus>['store']['read'] },
  stream: string,
): Promise<RecordedEvent> {
  for await (const event of store.read(stream, { direction: 'backwards', limit: 1 })) return event;
  throw new Error(`${stream} is empty`);
}
