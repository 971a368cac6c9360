import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import {
  AccessDeniedError,
  EventStoreDBClient,
  jsonEvent,
  type StreamMetadata,
} from '@eventstore/db-client';
import { status } from '@grpc/grpc-js';
import { afterAll, describe, expect, test } from '@jest/globals';
import { readAccounts } from '../../src/event-store/accounts.ts';
import { eventStoreServer, failureOf, listOf, testEvents } from '../support/event-store-server.ts';

// A certificate for "localhost" that signs itself, and its key. Without TLS no client sends
// credentials.
const pemFile = resolve(import.meta.dirname, '../unit/transport/localhost.pem');
const pem = readFileSync(pemFile);
const accounts = readAccounts(`
  admin changeit $admins
  ada   s3cret:2 analysts
  bob   hunter2
`);
const server = eventStoreServer({ accounts, tls: { cert: pem, key: pem } });
const clients: EventStoreDBClient[] = [];
afterAll(() => Promise.all(clients.map((client) => client.dispose())));

function as(user: string | undefined, scheme = 'esdb'): EventStoreDBClient {
  const login = user === undefined ? '' : `${user}@`;
  const client = EventStoreDBClient.connectionString(
    `${scheme}://${login}localhost:${server.port()}?tlsCAFile=${pemFile}`,
  );
  clients.push(client);
  return client;
}

const admin = () => as('admin:changeit');
const ada = () => as('ada:s3cret%3A2');
const bob = () => as('bob:hunter2');
const newStream = (prefix = 'order') => `${prefix}-${randomUUID()}`;

async function streamWith(metadata: StreamMetadata, stream = newStream()) {
  await admin().appendToStream(stream, testEvents(1));
  await admin().setStreamMetadata(stream, metadata);
  return stream;
}

type Act = (client: EventStoreDBClient, stream: string) => Promise<unknown>;
const acts: readonly (readonly [string, Act])[] = [
  ['read', (client, stream) => listOf(client.readStream(stream))],
  ['append', (client, stream) => client.appendToStream(stream, testEvents(1))],
  [
    'append alone',
    (client, stream) =>
      client.appendToStream(stream, testEvents(1), {
        credentials: { username: 'bob', password: 'hunter2' },
      }),
  ],
  ['read metadata', (client, stream) => client.getStreamMetadata(stream)],
  ['write metadata', (client, stream) => client.setStreamMetadata(stream, {})],
  ['delete', (client, stream) => client.deleteStream(stream)],
  ['tombstone', (client, stream) => client.tombstoneStream(stream)],
  ['subscribe', (client, stream) => subscribed(client, stream)],
];

async function subscribed(client: EventStoreDBClient, stream: string): Promise<unknown> {
  for await (const event of client.subscribeToStream(stream)) return event;
  return undefined;
}

describe('a server with users', () => {
  test.each(acts)('lets a user %s', async (_name, act) => {
    const stream = newStream();
    await bob().appendToStream(stream, testEvents(1));

    await act(bob(), stream);
  });

  const unnamed = acts.filter(([name]) => name !== 'append alone');
  test.each(unnamed)('does not let one without a name %s', async (_name, act) => {
    const stream = await streamWith({});

    expect(await failureOf(act(as(undefined), stream))).toBeInstanceOf(AccessDeniedError);
  });

  test.each(['bob:wrong', 'eve:hunter2', 'admin:changeit2'])(
    'refuses the credentials %s',
    async (login) => {
      const stream = await streamWith({});
      const client = as(login);
      const [username = '', password = ''] = login.split(':');
      const credentials = { username, password };

      const failures = [
        await failureOf(listOf(client.readStream(stream))),
        await failureOf(bob().appendToStream(stream, testEvents(1), { credentials })),
      ];
      for (const failure of failures) expect(failure).toBeInstanceOf(AccessDeniedError);
    },
  );

  test('keeps the log as a whole, and streams of the system, to administrators', async () => {
    const stream = newStream('$system');
    await admin().appendToStream(stream, testEvents(1));

    expect((await listOf(admin().readAll({ maxCount: 1 }))).length).toBe(1);
    expect(await failureOf(listOf(bob().readAll()))).toBeInstanceOf(AccessDeniedError);
    for (const [, act] of acts) {
      expect(await failureOf(act(bob(), stream))).toBeInstanceOf(AccessDeniedError);
    }
  });

  test.each(['append', 'append alone', 'delete', 'tombstone'])(
    'lets nobody %s the log as a whole',
    async (name) => {
      const act = new Map(acts).get(name) as Act;

      for (const client of [admin(), bob()]) {
        expect(await failureOf(act(client, '$all'))).toBeInstanceOf(AccessDeniedError);
      }
    },
  );

  test('lets those read the log as a whole whom its metadata name', async () => {
    await admin().setStreamMetadata('$all', { acl: { readRoles: ['ada'] } });

    expect(await listOf(ada().readAll({ maxCount: 1 }))).toHaveLength(1);
    expect(await failureOf(listOf(bob().readAll()))).toBeInstanceOf(AccessDeniedError);
    await admin().setStreamMetadata('$all', {});
  });

  test('is found by discovery, under the name of its certificate', async () => {
    const client = as('bob:hunter2', 'esdb+discover');

    expect(await client.appendToStream(newStream(), testEvents(1))).toMatchObject({
      success: true,
    });
  });

  test('does not speak without TLS', async () => {
    const client = EventStoreDBClient.connectionString(
      `esdb://localhost:${server.port()}?tls=false`,
    );
    clients.push(client);

    const failure = await failureOf(client.appendToStream(newStream(), testEvents(1)));
    expect(failure).toMatchObject({ code: status.UNAVAILABLE });
  });
});

describe('the access list of a stream', () => {
  test.each([
    ['read', { readRoles: ['ada'] }],
    ['append', { writeRoles: ['ada'] }],
    ['delete', { deleteRoles: ['ada'] }],
    ['tombstone', { deleteRoles: ['ada'] }],
    ['subscribe', { readRoles: ['ada'] }],
    ['read metadata', { metaReadRoles: ['ada'] }],
    ['write metadata', { metaWriteRoles: ['ada'] }],
  ])('says who may %s', async (name, acl) => {
    const stream = await streamWith({ acl });
    const act = new Map(acts).get(name) as Act;

    expect(await failureOf(act(bob(), stream))).toBeInstanceOf(AccessDeniedError);
    await act(ada(), stream);
    await act(admin(), await streamWith({ acl }));
  });

  test('names groups, and everybody', async () => {
    const forAnalysts = await streamWith({ acl: { readRoles: ['analysts'] } });
    const forAll = await streamWith({ acl: { readRoles: ['$all'] } }, newStream('$system'));

    expect(await listOf(ada().readStream(forAnalysts))).toHaveLength(1);
    expect(await failureOf(listOf(bob().readStream(forAnalysts)))).toBeInstanceOf(
      AccessDeniedError,
    );
    expect(await listOf(bob().readStream(forAll))).toHaveLength(1);
  });

  test('may name nobody', async () => {
    const stream = await streamWith({ acl: { writeRoles: [] } });

    expect(await failureOf(ada().appendToStream(stream, testEvents(1)))).toBeInstanceOf(
      AccessDeniedError,
    );
    await admin().appendToStream(stream, testEvents(1));
  });

  test('has a default in the settings of the system', async () => {
    const acl = { $r: '$admins', $w: ['$all'], $d: '$all', $mr: '$all', $mw: '$all' };
    const settings = jsonEvent({ type: '$settings', data: { $userStreamAcl: acl } });
    await admin().appendToStream('$settings', settings);
    const stream = newStream();
    await bob().appendToStream(stream, testEvents(1));

    expect(await failureOf(listOf(bob().readStream(stream)))).toBeInstanceOf(AccessDeniedError);
    await admin().appendToStream('$settings', jsonEvent({ type: '$settings', data: {} }));
    expect(await listOf(bob().readStream(stream))).toHaveLength(1);
  });
});
