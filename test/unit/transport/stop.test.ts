import { Agent, request as httpRequest } from 'node:http';
import { connect as netConnect } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { create } from '@bufbuild/protobuf';
import { createClient } from '@connectrpc/connect';
import { createConnectTransport } from '@connectrpc/connect-node';
import { describe, expect, test } from '@jest/globals';
import {
  CreateTradingStrategyCommandSchema,
  TradingCommandService,
} from '../../../src/gen/cipherhorizon/trading/v1/commands_pb.ts';
import {
  TradingQueryService,
  WatchStrategyQuerySchema,
} from '../../../src/gen/cipherhorizon/trading/v1/queries_pb.ts';
import type { Call } from '../../../src/kernel/rpc.ts';
import { ended, onCreate, onWatch, receipt, unaryRpc, watched, watchRpc } from './rpcs.ts';
import { collect, failedOfConnect, failure, grpcClient, serve, until } from './server-kit.ts';

const command = create(CreateTradingStrategyCommandSchema, { userId: 'u', strategyName: 'trend' });
const query = create(WatchStrategyQuerySchema, { strategyId: 's' });
const stopping = {
  code: 14,
  details: [{ $typeName: 'google.rpc.ErrorInfo', reason: 'SERVER_STOPPING' }, {}],
};

function connectTo(baseUrl: string) {
  return createConnectTransport({ baseUrl, httpVersion: '1.1' });
}

describe('a stop', () => {
  test('lets calls in flight finish, and takes no more', async () => {
    const calls: Call[] = [];
    const gate = Promise.withResolvers<void>();
    const slow = onCreate(async (_, call) => {
      calls.push(call);
      await gate.promise;
      return receipt('done');
    });
    const server = await serve([slow]);
    using client = grpcClient(server.grpcPort);
    const commands = createClient(TradingCommandService, connectTo(server.baseUrl));
    const atWork = [client.unary(unaryRpc, command), commands.createTradingStrategy(command)];
    await until(() => calls.length === 2);

    let isStopped = false;
    const stop = server[Symbol.asyncDispose]().then(() => {
      isStopped = true;
    });
    using late = grpcClient(server.grpcPort);
    expect(await failure(late.unary(unaryRpc, command))).toMatchObject({ code: 14 });
    expect(await failure(fetch(`${server.baseUrl}/health/live`))).toMatchObject({
      message: 'fetch failed',
    });
    expect(isStopped).toBe(false);
    expect(calls.map(({ signal }) => signal.aborted)).toEqual([false, false]);

    gate.resolve();
    const answers = await Promise.all(atWork);
    expect(answers.map((answer) => (answer as { commandId?: string }).commandId)).toEqual([
      'done',
      'done',
    ]);
    await stop;
  });

  test('ends streams at once with UNAVAILABLE', async () => {
    let running = 0;
    const watch = onWatch(async function* (_, { signal }) {
      running += 1;
      yield watched('1');
      await ended(signal);
      running -= 1;
    });
    const server = await serve([watch], { limits: { shutdownMs: 60_000 } });
    using client = grpcClient(server.grpcPort);
    const queries = createClient(TradingQueryService, connectTo(server.baseUrl));
    const overGrpc = failure(client.serverStream(watchRpc, query));
    const overConnect = failure(
      (async () => {
        for await (const _ of queries.watchStrategy(query));
      })(),
    );
    await until(() => running === 2);
    await server[Symbol.asyncDispose]();
    expect(await overGrpc).toMatchObject(stopping);
    expect(failedOfConnect(await overConnect)).toMatchObject(stopping);
    expect(running).toBe(0);
  });

  test('cuts off what does not finish in time', async () => {
    const signals: AbortSignal[] = [];
    const forever = onCreate(({ strategyName }, { signal }) => {
      signals.push(signal);
      return strategyName === 'never' ? new Promise(() => undefined) : receipt('done');
    });
    const never = create(CreateTradingStrategyCommandSchema, { strategyName: 'never' });
    const server = await serve([forever], { limits: { shutdownMs: 50 } });
    using client = grpcClient(server.grpcPort);
    const commands = createClient(TradingCommandService, connectTo(server.baseUrl));
    const cut = [
      failure(client.unary(unaryRpc, never)),
      failure(commands.createTradingStrategy(never)).then(failedOfConnect),
    ];
    await until(() => signals.length === 2);
    await server[Symbol.asyncDispose]();
    expect(signals.map(({ aborted }) => aborted)).toEqual([true, true]);
    for (const failed of await Promise.all(cut)) expect(failed).toMatchObject(stopping);
  });

  test('comes by a signal too, and once', async () => {
    const controller = new AbortController();
    const server = await serve([onCreate(() => receipt('done'))], { signal: controller.signal });
    using client = grpcClient(server.grpcPort);
    await client.unary(unaryRpc, command);
    controller.abort();
    await Promise.all([server[Symbol.asyncDispose](), server[Symbol.asyncDispose]()]);
    expect(await failure(fetch(`${server.baseUrl}/health/live`))).toMatchObject({
      message: 'fetch failed',
    });
    const stops = server.log.lines.filter(({ message }) => message === 'the server stops');
    expect(stops).toHaveLength(1);
  });

  test('does not wait for connections that are idle', async () => {
    const server = await serve([onCreate(() => receipt('done'))], {
      limits: { shutdownMs: 60_000 },
    });
    using client = grpcClient(server.grpcPort);
    await client.unary(unaryRpc, command);
    await (await fetch(`${server.baseUrl}/health/live`)).text();
    const h2 = createConnectTransport({ baseUrl: server.baseUrl, httpVersion: '2' });
    await createClient(TradingCommandService, h2).createTradingStrategy(command);
    await server[Symbol.asyncDispose]();
  });
});

describe('a stop and connections that are kept open', () => {
  type Outcome = { readonly writtenAt: number; readonly result: number | string };

  /** One request over the agent's connection: its status, or the code that it failed with. */
  function request(port: number, agent: Agent): Promise<Outcome> {
    const writtenAt = performance.now();
    const path = `/${TradingCommandService.typeName}/CreateTradingStrategy`;
    const headers = { 'Content-Type': 'application/json', 'Content-Length': 2 };
    const options = { method: 'POST', host: '127.0.0.1', port, path, agent, headers };
    return new Promise((resolve) => {
      const sent = httpRequest(options, (response) => {
        response.resume();
        response.on('end', () => resolve({ writtenAt, result: response.statusCode ?? 0 }));
        response.on('error', () => resolve({ writtenAt, result: 'cut' }));
      });
      sent.on('error', (error: NodeJS.ErrnoException) => {
        resolve({ writtenAt, result: error.code ?? error.message });
      });
      sent.end('{}');
    });
  }

  test('every request that was written before it is answered', async () => {
    for (let round = 0; round < 15; round += 1) {
      const server = await serve([onCreate(() => receipt('done'))]);
      const agents = Array.from({ length: 8 }, () => new Agent({ keepAlive: true, maxSockets: 1 }));
      for (const agent of agents) {
        expect((await request(server.httpPort, agent)).result).toBe(200);
      }
      const outcomes: Outcome[] = [];
      const ask = async (agent: Agent, pauseMs: number) => {
        for (;;) {
          const outcome = await request(server.httpPort, agent);
          outcomes.push(outcome);
          if (typeof outcome.result === 'string') return;
          if (pauseMs > 0) await delay(Math.random() * pauseMs);
        }
      };
      // Half of them ask without a pause, the others seldom: they are idle when the stop comes.
      const asking = agents.map((agent, index) => ask(agent, index % 2 === 0 ? 0 : 30));
      await delay(5 + round);
      const stoppedAt = performance.now();
      await server[Symbol.asyncDispose]();
      await Promise.all(asking);
      for (const agent of agents) agent.destroy();
      const before = outcomes.filter(({ writtenAt }) => writtenAt <= stoppedAt);
      expect(before.length).toBeGreaterThan(0);
      expect(before.filter(({ result }) => result !== 200 && result !== 503)).toEqual([]);
    }
  });

  test('the answer to a request in flight says that the connection closes', async () => {
    const gate = Promise.withResolvers<void>();
    let running = 0;
    const slow = onCreate(async () => {
      running += 1;
      await gate.promise;
      return receipt('done');
    });
    const server = await serve([slow]);
    const path = `/${TradingCommandService.typeName}/CreateTradingStrategy`;
    const socket = netConnect(server.httpPort, '127.0.0.1');
    const head = `POST ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json`;
    socket.write(`${head}\r\nContent-Length: 2\r\n\r\n{}`);
    await until(() => running === 1);
    const stop = server[Symbol.asyncDispose]();
    await delay(20);
    gate.resolve();
    const answer = (await collect(socket)).join('');
    expect(answer).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
    expect(answer).toMatch(/\r\nconnection: close\r\n/i);
    await stop;
  });

  test('a large request that it refuses is answered, not reset', async () => {
    const gate = Promise.withResolvers<void>();
    let running = 0;
    const slow = onCreate(async () => {
      running += 1;
      await gate.promise;
      return receipt('done');
    });
    const server = await serve([slow]);
    using client = grpcClient(server.grpcPort);
    const atWork = client.unary(unaryRpc, command);
    const path = `/${TradingCommandService.typeName}/CreateTradingStrategy`;
    const socket = netConnect({ port: server.httpPort, host: '127.0.0.1', allowHalfOpen: true });
    let answer = '';
    socket.on('data', (bytes) => {
      answer += bytes;
    });
    const closed = new Promise<void>((resolve, reject) => {
      socket.once('close', resolve).once('error', reject);
    });
    socket.write('GET /health/live HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n');
    await until(() => answer !== '' && running === 1);
    answer = '';
    const stop = server[Symbol.asyncDispose]();
    await delay(20);
    // A peer that sends all before it reads: a reset would take the answer from it.
    socket.pause();
    const length = 3_000_000;
    const head = `POST ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json`;
    socket.write(`${head}\r\nContent-Length: ${length}\r\n\r\n`);
    for (let sent = 0; sent < length; sent += 100_000) {
      socket.write(Buffer.alloc(100_000, 32));
      await delay(1);
    }
    socket.end();
    socket.resume();
    await closed;
    expect(answer).toMatch(/^HTTP\/1\.1 503 /);
    gate.resolve();
    await Promise.all([stop, atWork]);
  });
});

describe('a server does not start', () => {
  test('on a port that is taken, and leaves nothing open', async () => {
    await using first = await serve([onCreate(() => receipt('1'))]);
    const http = { host: '127.0.0.1', port: first.httpPort };
    await expect(serve([], { http })).rejects.toThrow(/EADDRINUSE/);
    const grpc = { host: '127.0.0.1', port: first.grpcPort };
    await expect(serve([], { grpc })).rejects.toThrow(/gRPC cannot listen on 127\.0\.0\.1:\d+: /);
  });

  test.each([
    [{ grpc: { host: '0.0.0.0', port: 0 } }, '0.0.0.0'],
    [{ http: { host: '::', port: 0 } }, '::'],
    [{ http: { host: 'example.org', port: 0 } }, 'example.org'],
  ])('without authentication where others could reach it: %j', async (address, host) => {
    await expect(serve([], address)).rejects.toThrow(
      `test-server does not start: it would listen on ${host} without authentication. ` +
        'Configure keys for bearer tokens, or listen on 127.0.0.1',
    );
  });

  test.each(['127.0.0.1', '127.8.9.1', 'localhost', '::1'])('but does on %s', async (host) => {
    const address = { host, port: 0 };
    await using server = await serve([onCreate(() => receipt('1'))], {
      grpc: address,
      http: address,
    });
    const warnings = server.log.lines.filter(({ level }) => level === 'warn');
    expect(warnings.map(({ message }) => message)).toEqual([
      'no authentication: everybody on this machine may do everything',
    ]);
  });

  test('with a handler that is not of its kind', async () => {
    const { handle } = onCreate(() => receipt('1'));
    const wrong = { kind: 'unary', method: watchRpc, handle } as never;
    await expect(serve([wrong])).rejects.toThrow(/WatchStrategy: unary, not server_streaming/);
    const twice = onCreate(() => receipt('1'));
    await expect(serve([twice, twice])).rejects.toThrow(/CreateTradingStrategy: two handlers/);
  });
});
