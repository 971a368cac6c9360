import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { UnavailableError, UnknownError } from '@eventstore/db-client';
import { status } from '@grpc/grpc-js';
import { expect, test } from '@jest/globals';
import Database from 'better-sqlite3';
import { createSqliteWireLog } from '../../src/engines/sqlite/wire-log.ts';
import {
  appendEvent,
  appendOptions,
  batchEvent,
  batchOptions,
  batchRequest,
  empty,
  rawAppend,
  rawBatch,
} from '../support/event-store-requests.ts';
import { eventStoreServer, failureOf, listOf, testEvents } from '../support/event-store-server.ts';
import { temporaryFolder } from '../support/temporary.ts';

const path = join(temporaryFolder(), 'events.db');
const log = createSqliteWireLog({ path, patienceMs: 50, maxBytes: 400_000 });
const server = eventStoreServer({ log });
const credentials = { username: 'ada', password: 'secret' };

test('a log that is full takes nothing, and is read all the same', async () => {
  const client = server.connect();
  const stream = randomUUID();
  const written = await client.appendToStream(stream, testEvents(1));
  const text = 'x'.repeat(500_000);
  const large = testEvents(1).map((event) => ({ ...event, data: { text } }));

  const failures = [
    await failureOf(client.appendToStream(stream, large, { credentials })),
    await failureOf(client.appendToStream(stream, large)),
  ];

  // The batching call goes on for the other appends: its error has no name of its own.
  expect(failures[0]).toBeInstanceOf(UnavailableError);
  expect(failures[1]).toBeInstanceOf(UnknownError);
  expect(String(failures[1])).toContain('Server Is Not Ready');
  const again = server.connect();
  expect(await listOf(again.readStream(stream))).toHaveLength(1);
  expect(written.success).toBe(true);
});

test('a log that another process holds has timed out, and may be tried again', async () => {
  const stream = randomUUID();
  const client = server.rawClient();
  const other = new Database(path);
  other.exec('BEGIN IMMEDIATE');
  const id = randomUUID();
  const append = [appendOptions(stream), appendEvent({ id })];
  const events = [batchEvent({ id })];
  const options = batchOptions(stream).setAny(empty());
  const batch = batchRequest({ id: randomUUID(), options, events });

  const failure = await failureOf(rawAppend(client, append));
  const [answer] = await rawBatch(client, [batch]);
  other.exec('ROLLBACK');
  other.close();
  const again = await rawAppend(client, append);

  expect(failure).toMatchObject({ code: status.ABORTED });
  expect(answer?.getError()?.getMessage()).toBe('Timeout');
  expect(again.getSuccess()?.getCurrentRevision()).toBe('0');
});
