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

function connectClients(baseUrl: string) {
  const transport = createConnectTransport({ baseUrl, httpVersion: '1.1' });
  return {
    commands: createClient(TradingCommandService, transport),
    queries: createClient(TradingQueryService, transport),
  };
}

/** A handler that waits for its gate, and the calls that wait. */
function gated() {
  const calls: Call[] = [];
  const gate = Promise.withResolvers<void>();
  const handler = onCreate(async (_, call) => {
    calls.push(call);
    await gate.promise;
    return receipt('done');
  });
  return { calls, open: () => gate.resolve(), handler };
}

const overloaded = {
  code: 8,
  details: [
    { $typeName: 'google.rpc.ErrorInfo', reason: 'SERVER_OVERLOADED' },
    { $typeName: 'google.rpc.RetryInfo', retryDelay: { nanos: 200_000_000 } },
  ],
};

describe('above the limit of calls in flight', () => {
  test('a unary call is refused at once, over every protocol, until one is done', async () => {
    const { calls, open, handler } = gated();
    await using server = await serve([handler], { limits: { maxInFlight: 2 } });
    using client = grpcClient(server.grpcPort);
    const { commands } = connectClients(server.baseUrl);
    const atWork = [client.unary(unaryRpc, command), commands.createTradingStrategy(command)];
    await until(() => calls.length === 2);
    expect(await failure(client.unary(unaryRpc, command))).toMatchObject(overloaded);
    const refused = await failure(commands.createTradingStrategy(command));
    expect(failedOfConnect(refused)).toMatchObject(overloaded);
    expect(calls).toHaveLength(2);
    open();
    await Promise.all(atWork);
    expect(await client.unary(unaryRpc, command)).toMatchObject({ commandId: 'done' });
  });

  test('a call whose caller has gone is counted until its handler is done', async () => {
    const { calls, open, handler } = gated();
    await using server = await serve([handler], { limits: { maxInFlight: 1 } });
    using client = grpcClient(server.grpcPort);
    const gone = new AbortController();
    const lost = failure(client.unary(unaryRpc, command, {}, { signal: gone.signal }));
    await until(() => calls.length === 1);
    gone.abort();
    await lost;
    await until(() => calls[0]?.signal.aborted === true);
    expect(await failure(client.unary(unaryRpc, command))).toMatchObject(overloaded);
    open();
    // The place is free a moment after the gate has opened.
    let answer: unknown;
    while (answer === undefined)
      answer = await client.unary(unaryRpc, command).catch(() => undefined);
    expect(answer).toMatchObject({ commandId: 'done' });
  });

  test('a request that cannot be decoded gives its place back', async () => {
    await using server = await serve([onCreate(() => receipt('done'))], {
      limits: { maxInFlight: 1 },
    });
    using client = grpcClient(server.grpcPort);
    const broken = Buffer.from([0x0a, 0x7f]);
    const url = `${server.baseUrl}/${TradingCommandService.typeName}/CreateTradingStrategy`;
    const headers = { 'Content-Type': 'application/json' };
    for (let round = 0; round < 3; round += 1) {
      expect(await failure(client.unary(unaryRpc, broken))).toMatchObject({ code: 3 });
      expect((await fetch(url, { method: 'POST', headers, body: '{' })).status).toBe(400);
    }
    expect(await client.unary(unaryRpc, command)).toMatchObject({ commandId: 'done' });
  });
});

test('streams have a limit of their own', async () => {
  let open = 0;
  const watch = onWatch(async function* (_, { signal }) {
    open += 1;
    yield watched('1');
    await ended(signal);
    open -= 1;
  });
  await using server = await serve([watch, onCreate(() => receipt('done'))], {
    limits: { maxStreams: 2 },
  });
  using client = grpcClient(server.grpcPort);
  const { queries } = connectClients(server.baseUrl);
  const leave = new AbortController();
  const watching = [
    failure(client.serverStream(watchRpc, query, { signal: leave.signal })),
    failure(collect(queries.watchStrategy(query, { signal: leave.signal }))),
  ];
  await until(() => open === 2);
  expect(await failure(client.serverStream(watchRpc, query))).toMatchObject(overloaded);
  const refused = await failure(collect(queries.watchStrategy(query)));
  expect(failedOfConnect(refused)).toMatchObject(overloaded);
  expect(await client.unary(unaryRpc, command)).toMatchObject({ commandId: 'done' });
  leave.abort();
  await Promise.all(watching);
  await until(() => open === 0);
  // Both places are free again.
  const again = new AbortController();
  const next = failure(client.serverStream(watchRpc, query, { signal: again.signal }));
  await until(() => open === 1);
  again.abort();
  await next;
  await until(() => open === 0);
  // Each was given back once: a place too many would show here as a negative number.
  const metrics = await (await fetch(`${server.baseUrl}/metrics`)).text();
  expect(metrics.match(/^rpc_in_flight\{kind="stream".*$/m)?.[0]).toMatch(/ 0$/);
});

describe('a deadline', () => {
  test('of the caller reaches the handler, and ends the call', async () => {
    const { calls, open, handler } = gated();
    await using server = await serve([handler]);
    using client = grpcClient(server.grpcPort);
    const { commands } = connectClients(server.baseUrl);
    const deadline = Date.now() + 200;
    const late = await failure(client.unary(unaryRpc, command, {}, { deadline }));
    expect(late).toMatchObject({ code: 4 });
    const lateToo = await failure(commands.createTradingStrategy(command, { timeoutMs: 50 }));
    expect(failedOfConnect(lateToo)).toMatchObject({ code: 4 });
    await until(() => calls.length === 2 && calls.every(({ signal }) => signal.aborted));
    expect(Math.abs((calls[0]?.deadlineMs ?? 0) - deadline)).toBeLessThan(100);
    open();
  });

  test('of the server ends a unary call whose caller would wait longer', async () => {
    const { calls, open, handler } = gated();
    await using server = await serve([handler], { limits: { deadlineMs: 50 } });
    using client = grpcClient(server.grpcPort);
    const { commands } = connectClients(server.baseUrl);
    const late = {
      code: 4,
      details: [{ $typeName: 'google.rpc.ErrorInfo', reason: 'DEADLINE_EXCEEDED' }],
    };
    const deadline = Date.now() + 60_000;
    expect(await failure(client.unary(unaryRpc, command, {}, { deadline }))).toMatchObject(late);
    expect(await failure(client.unary(unaryRpc, command))).toMatchObject(late);
    const overConnect = await failure(commands.createTradingStrategy(command));
    expect(failedOfConnect(overConnect)).toMatchObject(late);
    expect(calls.map(({ signal }) => signal.aborted)).toEqual([true, true, true]);
    expect(server.log.lines.filter(({ level }) => level === 'error')).toEqual([]);
    open();
  });

  test('of the server is not for streams; that of the caller is', async () => {
    const signals: AbortSignal[] = [];
    const deadlines: (number | undefined)[] = [];
    const watch = onWatch(async function* (_, { signal, deadlineMs }) {
      signals.push(signal);
      deadlines.push(deadlineMs);
      yield watched('1');
      await new Promise((resolve) => setTimeout(resolve, 100));
      yield watched('2');
      if (deadlineMs !== undefined) await ended(signal);
    });
    await using server = await serve([watch], { limits: { deadlineMs: 10 } });
    using client = grpcClient(server.grpcPort);
    expect(await client.serverStream(watchRpc, query)).toHaveLength(2);
    expect(deadlines).toEqual([undefined]);
    const deadline = Date.now() + 300;
    const late = await failure(client.serverStream(watchRpc, query, { deadline }));
    expect(late).toMatchObject({ code: 4 });
    await until(() => signals[1]?.aborted === true);
  });
});

describe('a caller that goes away', () => {
  test('aborts the signal of its call, over every protocol', async () => {
    const { calls, open, handler } = gated();
    await using server = await serve([handler]);
    using client = grpcClient(server.grpcPort);
    const { commands } = connectClients(server.baseUrl);
    const { signal, abort } = cancel();
    const lost = [
      failure(client.unary(unaryRpc, command, {}, { signal })),
      failure(commands.createTradingStrategy(command, { signal })),
    ];
    await until(() => calls.length === 2);
    expect(calls.map((call) => call.signal.aborted)).toEqual([false, false]);
    abort();
    await Promise.all(lost);
    await until(() => calls.every((call) => call.signal.aborted));
    open();
  });

  test('stops the stream that it read, and the generator behind it', async () => {
    let running = 0;
    const endless = onWatch(async function* () {
      running += 1;
      try {
        for (;;) yield watched('x'.repeat(1000));
      } finally {
        running -= 1;
      }
    });
    await using server = await serve([endless]);
    using client = grpcClient(server.grpcPort);
    const { queries } = connectClients(server.baseUrl);
    const { signal, abort } = cancel();
    const lost = [
      failure(client.serverStream(watchRpc, query, { signal })),
      failure(collect(queries.watchStrategy(query, { signal }))),
    ];
    await until(() => running === 2);
    abort();
    await Promise.all(lost);
    await until(() => running === 0);
    expect(server.log.lines.filter(({ level }) => level === 'error')).toEqual([]);
  });
});

function cancel() {
  const controller = new AbortController();
  return { signal: controller.signal, abort: () => controller.abort() };
}
