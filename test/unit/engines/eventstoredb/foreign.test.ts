import { randomUUID } from 'node:crypto';
import { afterAll, expect, test } from '@jest/globals';
import { createEventStoreDb } from '../../../../src/engines/eventstoredb/store.ts';
import { createSqliteEventLog } from '../../../../src/engines/sqlite/event-log.ts';
import { collect, freshStream } from '../../../support/event-log-samples.ts';
import { appendEvent, appendOptions, rawAppend } from '../../../support/event-store-requests.ts';
import { eventStoreServer } from '../../../support/event-store-server.ts';

// What other applications have stored, as both engines give it.

const server = eventStoreServer();
const closing: AsyncDisposable[] = [];
afterAll(async () => {
  for (const each of closing) await each[Symbol.asyncDispose]();
});

test.each([
  ['an object', '{"a":[1]}', { a: [1] }],
  ['no JSON', '{"a":', {}],
  ['JSON behind a byte order mark', '\ufeff{"a":1}', {}],
  ['null', 'null', {}],
  ['a number', '5', {}],
  ['a list', '[1]', {}],
  ['nothing', '', {}],
])('content that is %s', async (_, text, given) => {
  const stream = freshStream();
  const content = Buffer.from(text);
  const event = appendEvent({ id: randomUUID(), data: content });
  event.getProposedMessage()?.setCustomMetadata(content);
  await rawAppend(server.rawClient(), [appendOptions(stream), event]);

  const connectionString = `esdb://127.0.0.1:${server.port()}?tls=false`;
  const stores = [createEventStoreDb({ connectionString }), createSqliteEventLog(server)];
  closing.push(...stores);
  for (const store of stores) {
    const [read] = await collect(store.read(stream));
    expect({ data: read?.data, metadata: read?.metadata }).toEqual({
      data: given,
      metadata: given,
    });
  }
});
