import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import {
  EventStoreDBClient,
  jsonEvent,
  persistentSubscriptionToStreamSettingsFromDefaults,
  UnavailableError,
} from '@eventstore/db-client';
import gossipGrpc from '@eventstore/db-client/generated/gossip_grpc_pb.js';
import featuresGrpc from '@eventstore/db-client/generated/serverfeatures_grpc_pb.js';
import sharedPb from '@eventstore/db-client/generated/shared_pb.js';
import streamsGrpc from '@eventstore/db-client/generated/streams_grpc_pb.js';
import { Client, credentials, type ServiceError, status } from '@grpc/grpc-js';
import { describe, expect, test } from '@jest/globals';
import { createSqliteEventLog } from '../../src/engines/sqlite/event-log.ts';
import { createSqliteWireLog } from '../../src/engines/sqlite/wire-log.ts';
import { startEventStoreServer } from '../../src/event-store/server.ts';
import {
  HealthCheckRequestSchema,
  HealthCheckResponseSchema,
  HealthCheckResponse_ServingStatus as Status,
} from '../../src/gen/grpc/health/v1/health_pb.ts';
import { batchEvent, batchOptions, batchRequest, empty } from '../support/event-store-requests.ts';
import { eventStoreServer, failureOf, listOf, testEvents } from '../support/event-store-server.ts';
import { temporaryFolder } from '../support/temporary.ts';

const server = eventStoreServer();
const folder = temporaryFolder();
const program = resolve(import.meta.dirname, '../../cmd/event-store.ts');

describe('the server', () => {
  test('tells what it offers, as version 23.10 does', async () => {
    const client = new featuresGrpc.ServerFeaturesClient(
      `127.0.0.1:${server.port()}`,
      credentials.createInsecure(),
    );
    const features = await new Promise<unknown>((resolve, reject) => {
      client.getSupportedMethods(new sharedPb.Empty(), (error, answer) =>
        error === null ? resolve(answer.toObject()) : reject(error),
      );
    });
    client.close();

    const streams = 'event_store.client.streams.streams';
    const methodsList = [
      [streams, 'read', ['position', 'events']],
      [streams, 'append', []],
      [streams, 'delete', []],
      [streams, 'tombstone', []],
      [streams, 'batchappend', ['deadline_duration']],
      ['event_store.client.gossip.gossip', 'read', []],
      ['event_store.client.server_features.serverfeatures', 'getsupportedmethods', []],
    ].map(([serviceName, methodName, featuresList]) => ({ serviceName, methodName, featuresList }));
    expect(features).toEqual({ eventStoreServerVersion: '23.10.0', methodsList });
  });

  test('is found as the leader of a cluster of one, where it was asked', async () => {
    const client = EventStoreDBClient.connectionString(
      `esdb+discover://localhost:${server.port()}?tls=false`,
    );
    const written = await client.appendToStream(randomUUID(), testEvents(1));
    await client.dispose();
    const gossip = new gossipGrpc.GossipClient(
      `localhost:${server.port()}`,
      credentials.createInsecure(),
    );
    const info = await new Promise((resolve) => {
      gossip.read(new sharedPb.Empty(), (_error, answer) => resolve(answer?.toObject()));
    });
    gossip.close();

    expect(written.success).toBe(true);
    expect(info).toMatchObject({
      membersList: [
        { state: 8, isAlive: true, httpEndPoint: { address: 'localhost', port: server.port() } },
      ],
    });
  });

  test('answers health checks', async () => {
    const client = new Client(`127.0.0.1:${server.port()}`, credentials.createInsecure());
    const ask = [
      (service: string) =>
        Buffer.from(
          toBinary(HealthCheckRequestSchema, create(HealthCheckRequestSchema, { service })),
        ),
      (bytes: Buffer) => fromBinary(HealthCheckResponseSchema, bytes),
    ] as const;
    const check = (service: string) =>
      new Promise<Status | undefined>((resolve, reject) => {
        const path = '/grpc.health.v1.Health/Check';
        client.makeUnaryRequest(path, ...ask, service, (error, answer) =>
          error === null ? resolve(answer?.status) : reject(error),
        );
      });
    const watch = async (service: string) => {
      const path = '/grpc.health.v1.Health/Watch';
      const call = client.makeServerStreamRequest(path, ...ask, service);
      call.once('error', () => {});
      const [answer] = await once(call, 'data');
      call.cancel();
      return answer.status;
    };

    expect(await check('')).toBe(Status.SERVING);
    expect(await check('event_store.client.streams.Streams')).toBe(Status.SERVING);
    expect(await failureOf(check('elsewhere'))).toMatchObject({ code: status.NOT_FOUND });
    expect(await watch('')).toBe(Status.SERVING);
    expect(await watch('elsewhere')).toBe(Status.SERVICE_UNKNOWN);
    client.close();
  });

  test.each([
    [
      'persistent subscriptions',
      (it) =>
        it.createPersistentSubscriptionToStream(
          'a',
          'b',
          persistentSubscriptionToStreamSettingsFromDefaults(),
        ),
    ],
    ['projections', (it) => it.getProjectionStatus('$by_category')],
    ['creating projections', (it) => it.createProjection('a', 'b')],
  ] as [string, (client: EventStoreDBClient) => Promise<unknown>][])(
    'refuses what it does not offer: %s',
    async (_name, call) => {
      const failure = await failureOf(call(server.connect()));

      // Where a client asks the server's features before, it refuses by itself.
      expect(['unsupported', 'unknown']).toContain((failure as { type: string }).type);
    },
  );

  test('knows no other service', async () => {
    const client = new Client(`127.0.0.1:${server.port()}`, credentials.createInsecure());
    const path = '/event_store.client.users.Users/Create';
    const failure = await new Promise<ServiceError | null>((resolve) => {
      client.makeUnaryRequest(path, () => Buffer.alloc(0), Buffer.from, '', resolve);
    });
    client.close();

    expect(failure?.code).toBe(status.UNIMPLEMENTED);
  });
});

test('a header that asks for the leader makes no difference', async () => {
  const client = server.connect();
  const stream = randomUUID();
  const options = { requiresLeader: true };
  await client.appendToStream(stream, testEvents(2), options);

  expect(await listOf(client.readStream(stream, options))).toHaveLength(2);
});

test('what is appended by the protocol is read embedded, and the other way round', async () => {
  const stream = `order-${randomUUID()}`;
  const commandId = randomUUID();
  const metadata = { $causationId: commandId, $correlationId: randomUUID() };
  const event = jsonEvent({ type: 'example.OrderPlaced', data: { number: '7' }, metadata });
  await using embedded = createSqliteEventLog({ path: server.path });
  await server.connect().appendToStream(stream, event);
  const shipped = { id: randomUUID(), type: 'example.OrderShipped', data: {}, metadata };
  await embedded.append(stream, 0, [shipped]);
  await server.connect().appendToStream(stream, testEvents(1), { expectedRevision: 1n });

  const [first, second, third] = await listOf(embedded.read(stream));
  const found = await embedded.findByCausation(stream, commandId);
  const read = await listOf(server.connect().readStream(stream));

  expect(first).toMatchObject({ id: event.id, type: event.type, data: event.data, metadata });
  expect([second?.id, third?.metadata]).toEqual([shipped.id, {}]);
  expect(found.map(({ id }) => id)).toEqual([event.id, shipped.id]);
  expect(read[1]?.event).toMatchObject({ ...shipped, isJson: true, revision: 1n });
});

test('a stop answers what was sent, and then ends every call', async () => {
  const log = createSqliteWireLog({ path: join(folder, 'stopped.db') });
  const stopping = await startEventStoreServer({ log });
  const client = new streamsGrpc.StreamsClient(
    `127.0.0.1:${stopping.port}`,
    credentials.createInsecure(),
  );
  const id = randomUUID();
  const options = batchOptions('order-1').setAny(empty());
  const call = client.batchAppend();
  const answered = once(call, 'data');
  const ended = once(call, 'error').catch((error: unknown) => [error]);
  call.write(batchRequest({ id, options, events: [batchEvent({ id })] }));
  const [answer] = await answered;
  await stopping.close();
  const [error] = await ended;
  client.close();
  await log[Symbol.asyncDispose]();

  expect(answer.getSuccess()?.getCurrentRevision()).toBe('0');
  expect(error).toMatchObject({ code: status.UNAVAILABLE, details: 'Server is stopping' });
});

describe('the program', () => {
  type Program = { readonly port: number; readonly stop: () => Promise<number | null> };

  async function start(env: Record<string, string>): Promise<Program> {
    const child = spawn(process.execPath, [program], {
      env: { ...process.env, EVENT_STORE_ADDRESS: '127.0.0.1:0', ...env },
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    const closed = once(child, 'close');
    for await (const line of createInterface({ input: child.stderr })) {
      const { port } = JSON.parse(line);
      if (port === undefined) continue;
      child.stderr.resume();
      const stop = async () => {
        child.kill('SIGTERM');
        return (await closed)[0];
      };
      return { port, stop };
    }
    throw new Error(`it has ended with ${(await closed)[0]}`);
  }

  test('keeps what it has stored over a stop, which ends subscriptions', async () => {
    const env = { CIPHERHORIZON_DATA_DIR: join(folder, 'kept') };
    const first = await start(env);
    const client = connect(first.port);
    await client.appendToStream('order-1', testEvents(2));
    const subscription = client.subscribeToAll();
    const ended = once(subscription, 'error');
    subscription.on('data', () => {});
    await once(subscription, 'caughtUp');
    const exit = await first.stop();
    // The client makes an error of what ends its subscription.
    const [error] = await ended.catch((error: unknown) => [error]);
    await client.dispose();
    const second = await start(env);
    const other = connect(second.port);
    const events = await listOf(other.readStream('order-1'));
    const again = await other.appendToStream('order-1', testEvents(1), { expectedRevision: 1n });
    await other.dispose();
    await second.stop();

    expect(exit).toBe(0);
    expect(error).toBeInstanceOf(UnavailableError);
    expect(events).toHaveLength(2);
    expect(again.nextExpectedRevision).toBe(2n);
  }, 30_000);

  test.each([
    ['0.0.0.0:0', {}, 'without authentication or without TLS'],
    ['127.0.0.1:0', { EVENT_STORE_USERS_FILE: join(folder, 'users') }, 'line 2 of the users'],
  ])(
    'does not start on %s with %p',
    async (address, more, told) => {
      mkdirSync(folder, { recursive: true });
      writeFileSync(join(folder, 'users'), '# users\nada\n');
      const child = spawn(process.execPath, [program], {
        env: { ...process.env, EVENT_STORE_ADDRESS: address, ...more },
        stdio: ['ignore', 'ignore', 'pipe'],
      });
      let said = '';
      child.stderr.on('data', (chunk) => {
        said += chunk;
      });
      const [exit] = await once(child, 'close');

      expect(exit).toBe(1);
      expect(said).toContain(told);
    },
    30_000,
  );

  function connect(port: number): EventStoreDBClient {
    return EventStoreDBClient.connectionString(`esdb://127.0.0.1:${port}?tls=false`);
  }
});
