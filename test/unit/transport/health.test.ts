import { createClient } from '@connectrpc/connect';
import { createConnectTransport, createGrpcTransport } from '@connectrpc/connect-node';
import { describe, expect, test } from '@jest/globals';
import {
  Health,
  HealthCheckResponse_ServingStatus as Status,
} from '../../../src/gen/grpc/health/v1/health_pb.ts';
import type { Readiness } from '../../../src/transport/health.ts';
import { onCreate, onWatch, receipt, watched } from './rpcs.ts';
import { failedOfConnect, failure, serve, until } from './server-kit.ts';

const handlers = [
  onCreate(() => receipt('1')),
  onWatch(async function* () {
    yield watched('1');
  }),
];
const names = [
  '',
  'cipherhorizon.trading.v1.TradingCommandService',
  'cipherhorizon.trading.v1.TradingQueryService',
];
const notReady: Readiness = { ready: false, reason: 'the event store is away' };

function clients(server: { readonly grpcPort: number; readonly baseUrl: string }) {
  return [
    createGrpcTransport({ baseUrl: `http://127.0.0.1:${server.grpcPort}` }),
    createConnectTransport({ baseUrl: server.baseUrl, httpVersion: '1.1' }),
  ].map((transport) => createClient(Health, transport));
}

describe('grpc.health.v1', () => {
  test('tells of the server and of each service, to anybody', async () => {
    let state: Readiness = { ready: true };
    const authenticate = () => undefined;
    await using server = await serve(handlers, { authenticate, readiness: () => state });
    for (const next of [{ ready: true } as const, notReady]) {
      state = next;
      const status = next.ready ? Status.SERVING : Status.NOT_SERVING;
      for (const client of clients(server)) {
        for (const service of names) {
          expect(await client.check({ service })).toMatchObject({ status });
        }
        const { statuses } = await client.list({});
        expect(Object.entries(statuses).map(([name, { status }]) => [name, status])).toEqual(
          names.map((name) => [name, status]),
        );
      }
    }
  });

  test('does not know a service that is not there', async () => {
    await using server = await serve(handlers);
    for (const client of clients(server)) {
      const failed = failedOfConnect(await failure(client.check({ service: 'no.such.Service' })));
      expect(failed).toMatchObject({ code: 5, details: [{ reason: 'SERVICE_UNKNOWN' }] });
    }
  });

  test('is watched', async () => {
    let state: Readiness = { ready: true };
    let asked = 0;
    const readiness = () => {
      asked += 1;
      return state;
    };
    const server = await serve(handlers, { readiness });
    const seen: Status[][] = [];
    const watching = clients(server).map(async (client, i) => {
      const statuses: Status[] = [];
      seen[i] = statuses;
      for await (const { status } of client.watch({ service: '' })) statuses.push(status);
    });
    const ends = watching.map(failure);
    const all = (...expected: Status[]) =>
      until(() => seen.length === 2 && seen.every((one) => String(one) === String(expected)));
    await all(Status.SERVING);
    // Both look again, and have nothing new to tell.
    const before = asked;
    await until(() => asked >= before + 4);
    state = notReady;
    await all(Status.SERVING, Status.NOT_SERVING);
    state = { ready: true };
    await all(Status.SERVING, Status.NOT_SERVING, Status.SERVING);
    await server[Symbol.asyncDispose]();
    for (const end of ends) expect(failedOfConnect(await end)).toMatchObject({ code: 14 });
  });

  test('answers while the server has all the calls that it takes', async () => {
    const gate = Promise.withResolvers<void>();
    let atWork = 0;
    const slow = onCreate(async () => {
      atWork += 1;
      await gate.promise;
      return receipt('1');
    });
    await using server = await serve([slow], { limits: { maxInFlight: 1, maxStreams: 0 } });
    const url = `${server.baseUrl}/cipherhorizon.trading.v1.TradingCommandService`;
    const headers = { 'Content-Type': 'application/json' };
    const options = { method: 'POST', headers, body: '{}' };
    const busy = fetch(`${url}/CreateTradingStrategy`, options);
    await until(() => atWork === 1);
    for (const client of clients(server)) {
      expect(await client.check({})).toMatchObject({ status: Status.SERVING });
    }
    gate.resolve();
    await busy;
  });
});

test('the probes over HTTP say the same', async () => {
  let state: Readiness = { ready: true };
  await using server = await serve(handlers, { readiness: () => state });
  const probe = async (name: string) => {
    const response = await fetch(`${server.baseUrl}/health/${name}`);
    return [response.status, await response.json()];
  };
  expect(await probe('live')).toEqual([200, { status: 'alive' }]);
  expect(await probe('ready')).toEqual([200, { ready: true }]);
  state = notReady;
  expect(await probe('live')).toEqual([200, { status: 'alive' }]);
  expect(await probe('ready')).toEqual([503, notReady]);
  expect((await fetch(`${server.baseUrl}/health/ready`, { method: 'POST' })).status).toBe(405);
});
