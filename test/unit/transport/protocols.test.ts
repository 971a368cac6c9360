import { create } from '@bufbuild/protobuf';
import { anyPack } from '@bufbuild/protobuf/wkt';
import { createClient } from '@connectrpc/connect';
import { createConnectTransport, createGrpcWebTransport } from '@connectrpc/connect-node';
import { describe, expect, test } from '@jest/globals';
import type { CommandReceipt } from '../../../src/gen/cipherhorizon/platform/v1/metadata_pb.ts';
import {
  CommandBatchSchema,
  type CommandResultBatch,
} from '../../../src/gen/cipherhorizon/platform/v1/streaming_pb.ts';
import {
  type CreateTradingStrategyCommand,
  CreateTradingStrategyCommandSchema,
  TradingCommandService,
} from '../../../src/gen/cipherhorizon/trading/v1/commands_pb.ts';
import {
  TradingQueryService,
  WatchStrategyQuerySchema,
} from '../../../src/gen/cipherhorizon/trading/v1/queries_pb.ts';
import {
  bidiRpc,
  onCreate,
  onStream,
  onWatch,
  receipt,
  results,
  unaryRpc,
  watched,
  watchRpc,
} from './rpcs.ts';
import { collect, grpcClient, serve, until } from './server-kit.ts';

const handlers = [
  onCreate((command, call) =>
    receipt(`${command.strategyName} ${call.header('x-command-id')}`, call.principal?.subject),
  ),
  onWatch(async function* ({ strategyId }) {
    for (const n of [1, 2, 3]) yield watched(`${strategyId}-${n}`);
  }),
  onStream(async function* (batches) {
    for await (const { commands } of batches) {
      for (const { sequence } of commands) yield results(sequence);
    }
  }),
];

const command = create(CreateTradingStrategyCommandSchema, { userId: 'u', strategyName: 'trend' });
const headers = { 'x-command-id': 'c1' };
const query = create(WatchStrategyQuerySchema, { strategyId: 's' });
const watchedTokens = ['s-1', 's-2', 's-3'];

function batch(...sequences: bigint[]) {
  const any = anyPack(CreateTradingStrategyCommandSchema, command);
  const commands = sequences.map((sequence) => ({ sequence, command: any }));
  return create(CommandBatchSchema, { commands });
}

function sequencesOf(answers: readonly unknown[]): bigint[] {
  return (answers as CommandResultBatch[]).flatMap((answer) =>
    answer.results.map(({ sequence }) => sequence),
  );
}

describe('over gRPC', () => {
  test('a unary call, with its headers and its caller', async () => {
    await using server = await serve(handlers);
    using client = grpcClient(server.grpcPort);
    const answer = (await client.unary(unaryRpc, command, headers)) as CommandReceipt;
    expect([answer.commandId, answer.stream]).toEqual(['trend c1', 'anonymous-local']);
  });

  test('a stream from the server', async () => {
    await using server = await serve(handlers);
    using client = grpcClient(server.grpcPort);
    const answers = await client.serverStream(watchRpc, query);
    expect(answers).toEqual(watchedTokens.map(watched));
  });

  test('streams in both directions, turn by turn', async () => {
    await using server = await serve(handlers);
    using client = grpcClient(server.grpcPort);
    const call = client.bidi(bidiRpc);
    const answers: unknown[] = [];
    call.on('data', (answer) => answers.push(answer));
    const end = new Promise((resolve) => call.once('end', resolve));
    call.write(batch(1n, 2n));
    await until(() => answers.length === 2);
    call.write(batch(3n));
    await until(() => answers.length === 3);
    call.end();
    await end;
    expect(sequencesOf(answers)).toEqual([1n, 2n, 3n]);
  });

  test('a slow reader gets every message of a long stream', async () => {
    let produced = 0;
    const count = 2000;
    const long = onWatch(async function* () {
      for (; produced < count; produced += 1) yield watched(`${produced}`.padEnd(1000));
    });
    await using server = await serve([long]);
    using client = grpcClient(server.grpcPort);
    const answers = await client.serverStream(watchRpc, query);
    expect(answers).toHaveLength(count);
    expect(answers.at(-1)).toEqual(watched(`${count - 1}`.padEnd(1000)));
  });
});

describe.each([
  ['Connect, binary, HTTP/1.1', { connect: true, httpVersion: '1.1', useBinaryFormat: true }],
  ['Connect, JSON, HTTP/1.1', { connect: true, httpVersion: '1.1', useBinaryFormat: false }],
  ['Connect, binary, HTTP/2', { connect: true, httpVersion: '2', useBinaryFormat: true }],
  ['Connect, JSON, HTTP/2', { connect: true, httpVersion: '2', useBinaryFormat: false }],
  ['gRPC-Web, binary, HTTP/1.1', { connect: false, httpVersion: '1.1', useBinaryFormat: true }],
  ['gRPC-Web, JSON, HTTP/2', { connect: false, httpVersion: '2', useBinaryFormat: false }],
] as const)('over %s', (_, { connect, httpVersion, useBinaryFormat }) => {
  const open = (baseUrl: string) => {
    const create = connect ? createConnectTransport : createGrpcWebTransport;
    return create({ baseUrl, httpVersion, useBinaryFormat });
  };

  test('a unary call, with its headers and its caller', async () => {
    await using server = await serve(handlers);
    const client = createClient(TradingCommandService, open(server.baseUrl));
    const answer = await client.createTradingStrategy(command, { headers });
    expect([answer.commandId, answer.stream]).toEqual(['trend c1', 'anonymous-local']);
  });

  test('a stream from the server', async () => {
    await using server = await serve(handlers);
    const client = createClient(TradingQueryService, open(server.baseUrl));
    const answers = await collect(client.watchStrategy(query));
    expect(answers.map(({ freshness }) => freshness?.token)).toEqual(watchedTokens);
  });

  if (httpVersion === '2') {
    test('streams in both directions, turn by turn', async () => {
      await using server = await serve(handlers);
      // JSON needs to know what an Any may hold, on this side too.
      const transport = open(server.baseUrl);
      const client = createClient(TradingCommandService, transport);
      const answers: unknown[] = [];
      async function* turns() {
        yield useBinaryFormat ? batch(1n, 2n) : withoutAny(1n, 2n);
        await until(() => answers.length === 2);
        yield useBinaryFormat ? batch(3n) : withoutAny(3n);
      }
      for await (const answer of client.streamCommands(turns())) answers.push(answer);
      expect(sequencesOf(answers)).toEqual([1n, 2n, 3n]);
    });
  }
});

function withoutAny(...sequences: bigint[]) {
  return create(CommandBatchSchema, { commands: sequences.map((sequence) => ({ sequence })) });
}

describe('over plain JSON', () => {
  async function post(baseUrl: string, path: string, body: string) {
    const response = await fetch(`${baseUrl}/${path}`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json', ...headers },
      body,
    });
    return { status: response.status, json: await response.json() };
  }

  test('names in either case are read', async () => {
    await using server = await serve(handlers);
    const path = 'cipherhorizon.trading.v1.TradingCommandService/CreateTradingStrategy';
    const answer = { commandId: 'trend c1', stream: 'anonymous-local' };
    for (const body of ['{"userId":"u","strategyName":"trend"}', '{"strategy_name":"trend"}']) {
      expect(await post(server.baseUrl, path, body)).toEqual({ status: 200, json: answer });
    }
  });

  test('an Any holds any message of the services', async () => {
    let seen: CreateTradingStrategyCommand | undefined;
    const { anyUnpack } = await import('@bufbuild/protobuf/wkt');
    const unpack = onStream(async function* (batches) {
      for await (const { commands } of batches) {
        const any = commands[0]?.command;
        if (any) seen = anyUnpack(any, CreateTradingStrategyCommandSchema);
        yield results(1n);
      }
    });
    await using server = await serve([unpack]);
    const json = JSON.stringify({
      commands: [
        {
          sequence: '1',
          command: {
            '@type': `type.googleapis.com/${CreateTradingStrategyCommandSchema.typeName}`,
            strategyName: 'trend',
          },
        },
      ],
    });
    const { connect } = await import('node:http2');
    const session = connect(server.baseUrl);
    const stream = session.request({
      ':method': 'POST',
      ':path': '/cipherhorizon.trading.v1.TradingCommandService/StreamCommands',
      'content-type': 'application/connect+json',
    });
    const envelope = Buffer.alloc(5);
    envelope.writeUInt32BE(Buffer.byteLength(json), 1);
    stream.end(Buffer.concat([envelope, Buffer.from(json)]));
    await collect(stream);
    session.close();
    expect(seen?.strategyName).toBe('trend');
  });

  test('what is not there is not found', async () => {
    await using server = await serve(handlers);
    expect(await post(server.baseUrl, 'cipherhorizon.trading.v1.Nothing/At', '{}')).toMatchObject({
      status: 404,
      json: { code: 'unimplemented', details: [{ debug: { reason: 'RPC_UNKNOWN' } }] },
    });
  });
});
