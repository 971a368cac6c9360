// A process in which the connection of one client breaks while appends are under way, run by tests:
//   node broken-appends.ts client|engine answer|drain <folder>
// `client` is Kurrent's own, `engine` this project's. `answer`: the append of another client has
// been sent, and its answer comes later. `drain`: the appends are more than the connection takes.
// It says what became of them, and ends as such a process ends.

import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { EventStoreDBClient, jsonEvent } from '@eventstore/db-client';
import { createEventStoreDb } from '../../src/engines/eventstoredb/store.ts';
import { createSqliteWireLog } from '../../src/engines/sqlite/wire-log.ts';
import { startEventStoreServer } from '../../src/event-store/server.ts';
import { freshStream, sampleEvent } from './event-log-samples.ts';
import { startTcpProxy } from './event-store-proxy.ts';

type Appending = {
  readonly append: (text?: string) => Promise<unknown>;
  readonly close: () => Promise<void>;
};

function openClient(port: number): Appending {
  const client = EventStoreDBClient.connectionString(`esdb://127.0.0.1:${port}?tls=false`);
  return {
    append: (text = '') =>
      client.appendToStream(freshStream(), jsonEvent({ type: 'Tried', data: { text } })),
    close: () => client.dispose(),
  };
}

function openEngine(port: number): Appending {
  const store = createEventStoreDb({ connectionString: `esdb://127.0.0.1:${port}?tls=false` });
  return {
    append: (text = '') =>
      store.append(freshStream(), 'no_stream', [{ ...sampleEvent(), data: { text } }]),
    close: () => store[Symbol.asyncDispose](),
  };
}

const [kind, how, folder = ''] = process.argv.slice(2);
const open = kind === 'client' ? openClient : openEngine;
const log = createSqliteWireLog({ path: join(folder, 'events.db'), synchronous: 'NORMAL' });
const server = await startEventStoreServer({ log });
const broken = await startTcpProxy(server.port);
const whole = await startTcpProxy(server.port);
const one = open(broken.port);
const other = open(whole.port);
await one.append();
await other.append();
const held = how === 'answer' ? whole : broken;
held.hold();
const appending =
  how === 'answer'
    ? [other.append()]
    : Array.from({ length: 40 }, () => one.append('x'.repeat(50_000)));
const outcome = Promise.all(appending).then(
  () => 'appended',
  (error: Error) => `rejected: ${error.message}`,
);
// On its way: the server has it, or the connection is full.
await delay(300);
broken.cut();
await delay(300);
held.release();
console.log(await outcome);
await delay(300);
await one.close();
await other.close();
await broken[Symbol.asyncDispose]();
await whole[Symbol.asyncDispose]();
await server.close();
await log[Symbol.asyncDispose]();
