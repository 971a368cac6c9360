import { create, type Message, toBinary } from '@bufbuild/protobuf';
import { createClient } from '@connectrpc/connect';
import { createConnectTransport, createGrpcWebTransport } from '@connectrpc/connect-node';
import { Client, compressionAlgorithms, credentials, type ServiceError } from '@grpc/grpc-js';
import { describe, expect, test } from '@jest/globals';
import { CommandBatchSchema } from '../../../src/gen/cipherhorizon/platform/v1/streaming_pb.ts';
import {
  CreateTradingStrategyCommandSchema,
  TradingCommandService,
} from '../../../src/gen/cipherhorizon/trading/v1/commands_pb.ts';
import {
  TradingQueryService,
  WatchStrategyQuerySchema,
} from '../../../src/gen/cipherhorizon/trading/v1/queries_pb.ts';
import { ErrorInfoSchema } from '../../../src/gen/google/rpc/error_details_pb.ts';
import { bidiRpc, onCreate, onStream, receipt, results, unaryRpc, watchRpc } from './rpcs.ts';
import { collect, failedOfConnect, failure, grpcClient, serve } from './server-kit.ts';

// What never reaches a handler: the libraries answer it themselves, without a reason.

const limits = { maxRequestBytes: 1000, maxResponseBytes: 1000 };
const handlers = [
  onCreate(() => receipt('x'.repeat(2000))),
  onStream(async function* (batches) {
    for await (const { commands } of batches) yield results(commands[0]?.sequence ?? 0n);
  }),
];
const large = create(CreateTradingStrategyCommandSchema, { strategyName: 'x'.repeat(1200) });
const small = create(CreateTradingStrategyCommandSchema, { strategyName: 'x' });
const size = toBinary(CreateTradingStrategyCommandSchema, large).length;

const info = (reason: string, metadata: Record<string, string> = {}) =>
  create(ErrorInfoSchema, { reason, domain: 'cipherhorizon', metadata });

function transports(baseUrl: string) {
  return [
    createConnectTransport({ baseUrl, httpVersion: '2', useBinaryFormat: true }),
    createConnectTransport({ baseUrl, httpVersion: '1.1', useBinaryFormat: true }),
    createGrpcWebTransport({ baseUrl, httpVersion: '1.1' }),
  ];
}

describe('a request that is too large says how large it may be', () => {
  const tooLarge = {
    code: 8,
    message: `the message has ${size} bytes; it can have 1000`,
    details: [info('MESSAGE_TOO_LARGE', { limit: '1000', size: String(size) })],
  };

  test('over gRPC', async () => {
    await using server = await serve(handlers, { limits });
    using client = grpcClient(server.grpcPort);
    expect(await failure(client.unary(unaryRpc, large))).toEqual(tooLarge);
  });

  test('over gRPC in the middle of a stream', async () => {
    await using server = await serve(handlers, { limits });
    using client = grpcClient(server.grpcPort);
    const call = client.bidi(bidiRpc);
    const answers: Message[] = [];
    const failed = new Promise((resolve) =>
      call.once('error', (error: ServiceError) => resolve(client.failedOf(error))),
    );
    call.write(create(CommandBatchSchema, { commands: [{ sequence: 1n }] }));
    call.on('data', (answer: Message) => {
      answers.push(answer);
      call.write(Buffer.alloc(1204));
    });
    expect(await failed).toMatchObject({
      details: [info('MESSAGE_TOO_LARGE', { limit: '1000', size: '1204' })],
    });
    expect(answers).toEqual([results(1n)]);
  });

  test('over Connect and gRPC-Web', async () => {
    await using server = await serve(handlers, { limits });
    for (const transport of transports(server.baseUrl)) {
      const { createTradingStrategy } = createClient(TradingCommandService, transport);
      expect(failedOfConnect(await failure(createTradingStrategy(large)))).toMatchObject({
        code: 8,
        message: expect.stringContaining('it can have 1000'),
        details: [{ reason: 'MESSAGE_TOO_LARGE', metadata: { limit: '1000' } }],
      });
    }
  });

  test('also where it was compressed', async () => {
    await using server = await serve(handlers, { limits });
    const client = new Client(`127.0.0.1:${server.grpcPort}`, credentials.createInsecure(), {
      'grpc.default_compression_algorithm': compressionAlgorithms.gzip,
    });
    const bytes = Buffer.from(toBinary(CreateTradingStrategyCommandSchema, large));
    const path = `/${TradingCommandService.typeName}/CreateTradingStrategy`;
    const same = (buffer: Buffer) => buffer;
    const error = await new Promise<ServiceError | null>((resolve) =>
      client.makeUnaryRequest(path, same, same, bytes, resolve),
    );
    client.close();
    using reader = grpcClient(server.grpcPort);
    expect(error && reader.failedOf(error)).toEqual({
      code: 8,
      message: 'the message has more than 1000 bytes; it can have 1000',
      details: [info('MESSAGE_TOO_LARGE', { limit: '1000' })],
    });
  });
});

describe('an answer that is too large says so', () => {
  test('over gRPC', async () => {
    await using server = await serve(handlers, { limits });
    using client = grpcClient(server.grpcPort);
    expect(await failure(client.unary(unaryRpc, small))).toEqual({
      code: 8,
      message: 'the answer would have 2003 bytes; it can have 1000: ask for less at once',
      details: [info('ANSWER_TOO_LARGE', { limit: '1000', size: '2003' })],
    });
  });

  test('over Connect and gRPC-Web', async () => {
    await using server = await serve(handlers, { limits });
    for (const transport of transports(server.baseUrl)) {
      const { createTradingStrategy } = createClient(TradingCommandService, transport);
      expect(failedOfConnect(await failure(createTradingStrategy(small)))).toMatchObject({
        code: 8,
        message: expect.stringMatching(/^the answer would have \d+ bytes; it can have 1000/),
        details: [{ reason: 'ANSWER_TOO_LARGE', metadata: { limit: '1000' } }],
      });
    }
  });
});

describe('an RPC that is not there is named', () => {
  const rpc = `${TradingQueryService.typeName}/WatchStrategy`;
  const query = create(WatchStrategyQuerySchema);
  const unknown = {
    code: 12,
    message: `there is no RPC ${rpc} at this address`,
    details: [info('RPC_UNKNOWN', { rpc })],
  };

  test('over gRPC', async () => {
    await using server = await serve(handlers);
    using client = grpcClient(server.grpcPort);
    expect(await failure(client.serverStream(watchRpc, query))).toEqual(unknown);
    // The service is there, its handler is not.
    const other = TradingCommandService.method.pauseTradingStrategy;
    expect(await failure(client.unary(other, create(other.input)))).toMatchObject({
      code: 12,
      details: [info('RPC_UNKNOWN', { rpc: `${other.parent.typeName}/PauseTradingStrategy` })],
    });
  });

  test('over Connect and gRPC-Web', async () => {
    await using server = await serve(handlers);
    for (const transport of transports(server.baseUrl)) {
      const { getStrategy, watchStrategy } = createClient(TradingQueryService, transport);
      expect(failedOfConnect(await failure(collect(watchStrategy(query))))).toEqual(unknown);
      expect(failedOfConnect(await failure(getStrategy({})))).toMatchObject({
        code: 12,
        details: [{ reason: 'RPC_UNKNOWN' }],
      });
    }
  });

  test('a path that is none of an RPC is answered in JSON', async () => {
    await using server = await serve(handlers);
    const response = await fetch(`${server.baseUrl}/favicon.ico`);
    expect([response.status, await response.json()]).toMatchObject([
      404,
      { code: 'unimplemented', details: [{ debug: { reason: 'PATH_UNKNOWN' } }] },
    ]);
  });
});

test('a deadline that passes within the library has its reason', async () => {
  await using server = await serve([onCreate(() => new Promise(() => undefined))], {
    limits: { shutdownMs: 50 },
  });
  using client = grpcClient(server.grpcPort);
  // The client gives up by its own clock: the header alone tells the server.
  const headers = { 'grpc-timeout': '30m' };
  expect(await failure(client.unary(unaryRpc, small, headers))).toMatchObject({
    code: 4,
    details: [info('DEADLINE_EXCEEDED')],
  });
});
