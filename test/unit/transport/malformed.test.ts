import { request as httpRequest } from 'node:http';
import { connect as netConnect } from 'node:net';
import { gzipSync } from 'node:zlib';
import { create, toBinary } from '@bufbuild/protobuf';
import { createClient } from '@connectrpc/connect';
import { createConnectTransport } from '@connectrpc/connect-node';
import { describe, expect, test } from '@jest/globals';
import type { CommandReceipt } from '../../../src/gen/cipherhorizon/platform/v1/metadata_pb.ts';
import { CommandBatchSchema } from '../../../src/gen/cipherhorizon/platform/v1/streaming_pb.ts';
import {
  CreateTradingStrategyCommandSchema,
  TradingCommandService,
} from '../../../src/gen/cipherhorizon/trading/v1/commands_pb.ts';
import { ErrorInfoSchema } from '../../../src/gen/google/rpc/error_details_pb.ts';
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
import { type Failed, failedOfConnect, failure, grpcClient, serve } from './server-kit.ts';

const handlers = [
  onCreate(({ strategyName }) => receipt(strategyName)),
  onWatch(async function* () {
    yield watched('1');
  }),
  onStream(async function* (batches) {
    for await (const { commands } of batches) {
      for (const { sequence } of commands) yield results(sequence);
    }
  }),
];

// Field 1, of the length 127, and nothing of it.
const broken = Buffer.from([0x0a, 0x7f, 0x41]);
const typeName = CreateTradingStrategyCommandSchema.typeName;
const path = '/cipherhorizon.trading.v1.TradingCommandService/CreateTradingStrategy';
const info = create(ErrorInfoSchema, { reason: 'MALFORMED_REQUEST', domain: 'cipherhorizon' });

describe('binary that cannot be decoded is the mistake of the caller', () => {
  test('over gRPC', async () => {
    await using server = await serve(handlers);
    using client = grpcClient(server.grpcPort);
    for (const call of [client.unary(unaryRpc, broken), client.serverStream(watchRpc, broken)]) {
      const { code, message, details } = (await failure(call)) as Failed;
      expect(code).toBe(3);
      expect(message).toMatch(/^the request is no cipherhorizon\.trading\.v1\.\w+: /);
      expect(details).toEqual([info]);
    }
    expect(server.log.lines.filter(({ level }) => level === 'error')).toEqual([]);
  });

  test('over gRPC in the middle of a stream, after the answers to what came before', async () => {
    await using server = await serve(handlers);
    using client = grpcClient(server.grpcPort);
    const call = client.bidi(bidiRpc);
    const answers: unknown[] = [];
    call.on('data', (answer) => answers.push(answer));
    const failed = new Promise<Failed>((resolve) =>
      call.once('error', (error) => resolve(client.failedOf(error as never))),
    );
    call.write(create(CommandBatchSchema, { commands: [{ sequence: 1n }, { sequence: 2n }] }));
    call.write(broken);
    expect(await failed).toMatchObject({ code: 3, details: [info] });
    expect(answers).toEqual([results(1n), results(2n)]);
  });

  test('over Connect', async () => {
    await using server = await serve(handlers);
    const { status, body } = await post(server.baseUrl, 'application/proto', broken);
    expect(status).toBe(400);
    expect(body).toMatchObject({ code: 'invalid_argument' });
    expect(body.message).toMatch(new RegExp(`^the request is no ${typeName}: `));
    expect(body.details).toMatchObject([{ debug: { reason: 'MALFORMED_REQUEST' } }]);
  });

  test('and so is what cannot be decompressed', async () => {
    await using server = await serve(handlers);
    for (const body of [broken, gzipSync('{}').subarray(0, 12)]) {
      const response = await fetch(server.baseUrl + path, {
        method: 'POST',
        headers: { 'Content-Type': 'application/json', 'Content-Encoding': 'gzip' },
        body,
      });
      expect([response.status, await response.json()]).toMatchObject([
        400,
        { code: 'invalid_argument', details: [{ debug: { reason: 'MALFORMED_REQUEST' } }] },
      ]);
    }
  });

  test('over gRPC-Web', async () => {
    await using server = await serve(handlers);
    const envelope = Buffer.concat([Buffer.from([0, 0, 0, 0, broken.length]), broken]);
    const response = await fetch(server.baseUrl + path, {
      method: 'POST',
      headers: { 'Content-Type': 'application/grpc-web+proto' },
      body: envelope,
    });
    const text = await response.text();
    expect(text).toMatch(/grpc-status: 3\r\n/);
    expect(text).toMatch(/grpc-message: the%20request%20is%20no%20/);
    expect(text).toMatch(/grpc-status-details-bin: /);
  });

  test('over Connect in the middle of a stream', async () => {
    await using server = await serve(handlers);
    const client = createClient(
      TradingCommandService,
      createConnectTransport({ baseUrl: server.baseUrl, httpVersion: '2' }),
    );
    async function* batches() {
      yield create(CommandBatchSchema, { commands: [{ sequence: 1n }] });
      // A field of another type under the number of `commands`: text that is no message.
      yield unknownAs(1, Buffer.from([0xff, 0xff, 0xff]));
    }
    const answers: unknown[] = [];
    const failed = await failure(
      (async () => {
        for await (const answer of client.streamCommands(batches())) answers.push(answer);
      })(),
    );
    expect(failedOfConnect(failed)).toMatchObject({ code: 3, details: [info] });
    expect(answers).toEqual([results(1n)]);
  });
});

/** A batch that is encoded with the bytes as its field. */
function unknownAs(no: number, data: Uint8Array) {
  const message = create(CommandBatchSchema);
  const length = Uint8Array.from([data.length]);
  message.$unknown = [{ no, wireType: 2, data: Buffer.concat([length, data]) }];
  return message;
}

type Body = { code?: string; message?: string; details?: unknown[]; commandId?: string };

async function post(baseUrl: string, contentType: string, body: string | Buffer) {
  const response = await fetch(baseUrl + path, {
    method: 'POST',
    headers: { 'Content-Type': contentType },
    body,
  });
  return { status: response.status, body: (await response.json()) as Body };
}

describe('JSON that cannot be read is refused clearly', () => {
  const secret = 'hunter2';
  test.each([
    ['', 'it is no JSON (end of JSON input)'],
    ['{', 'it is no JSON (line 1 column 2)'],
    [`{"strategyName": ${secret}}`, 'it is no JSON'],
    ['[]', `cannot read message ${typeName}`],
    ['{"strategyNmae": "x"}', `cannot read message ${typeName}: key "strategyNmae" is unknown`],
    ['{"userId": 77123}', `cannot read field ${typeName}.user_id: expected string`],
    [`{"rules": "${secret}"}`, `cannot read field ${typeName}.rules: expected Array`],
    [
      `{"metadata": {"expectedRevision": "${secret}"}}`,
      'cannot read field cipherhorizon.platform.v1.CommandMetadata.expected_revision',
    ],
    [
      `{"metadata": {"synchronisation": {"mode": "${secret}"}}}`,
      'cannot read enum cipherhorizon.platform.v1.SynchronisationMode',
    ],
    [
      '{"userId": "a", "userId": "b"}',
      `cannot read message ${typeName}: duplicate object key "userId"`,
    ],
  ])('%s', async (json, reason) => {
    await using server = await serve(handlers);
    const { status, body } = await post(server.baseUrl, 'application/json', json);
    expect(status).toBe(400);
    expect(body.code).toBe('invalid_argument');
    expect(body.message).toBe(`the request is no ${typeName}: ${reason}`);
    expect(body.details).toMatchObject([{ debug: { reason: 'MALFORMED_REQUEST' } }]);
    expect(JSON.stringify(body)).not.toMatch(/hunter2|77123/);
  });

  test('nested deeper than any message', async () => {
    await using server = await serve(handlers);
    const deep = `${'{"rules":['.repeat(20_000)}${']}'.repeat(20_000)}`;
    const { status, body } = await post(server.baseUrl, 'application/json', deep);
    expect([status, body.code]).toEqual([400, 'invalid_argument']);
  });
});

describe('messages above the limit are refused', () => {
  const limits = { maxRequestBytes: 1000, maxResponseBytes: 1000 };
  const named = (length: number) =>
    create(CreateTradingStrategyCommandSchema, { strategyName: 'x'.repeat(length) });

  test('over gRPC', async () => {
    await using server = await serve(handlers, { limits });
    using client = grpcClient(server.grpcPort);
    const { commandId } = (await client.unary(unaryRpc, named(900))) as CommandReceipt;
    expect(commandId).toHaveLength(900);
    expect(await failure(client.unary(unaryRpc, named(1000)))).toMatchObject({ code: 8 });
  });

  test('over Connect', async () => {
    await using server = await serve(handlers, { limits });
    const bytes = Buffer.from(toBinary(CreateTradingStrategyCommandSchema, named(1000)));
    expect((await post(server.baseUrl, 'application/proto', bytes)).body).toMatchObject({
      code: 'resource_exhausted',
      details: [{ debug: { reason: 'MESSAGE_TOO_LARGE' } }],
    });
  });

  test.each(['application/proto', 'application/json'])('answers in %s too', async (type) => {
    await using server = await serve([onCreate(() => receipt('x'.repeat(2000)))], { limits });
    const { body } = await post(
      server.baseUrl,
      type,
      type.endsWith('json') ? '{}' : Buffer.alloc(0),
    );
    expect(body.code).toBe('resource_exhausted');
  });
});

describe('what is hardly HTTP does no harm', () => {
  function raw(port: number, text: string): Promise<string> {
    return new Promise((resolve, reject) => {
      const socket = netConnect(port, '127.0.0.1', () => socket.end(text));
      let answer = '';
      socket.on('data', (chunk) => {
        answer += chunk;
      });
      socket.on('close', () => resolve(answer));
      socket.on('error', reject);
    });
  }

  test('a host that is none', async () => {
    const known = async () => ({ subject: 'u', roles: [] });
    await using server = await serve(handlers, { authenticate: known });
    const head = `POST ${path} HTTP/1.1\r\nHost: [\r\nContent-Type: application/json\r\n`;
    const answer = await raw(server.httpPort, `${head}Content-Length: 2\r\n\r\n{}`);
    expect(answer).toMatch(/^HTTP\/1\.1 400 /);
    expect((await post(server.baseUrl, 'application/json', '{}')).status).toBe(200);
  });

  test.each(['P', 'PRI ', 'PRI * HTTP/2.0\r\n\r\nXX\r\n\r\n', 'GET', '\x16\x03\x01', '\r\n\r\n'])(
    'a connection that begins with %j',
    async (text) => {
      await using server = await serve(handlers);
      await raw(server.httpPort, text);
      expect((await post(server.baseUrl, 'application/json', '{}')).status).toBe(200);
    },
  );

  test('a name in small pieces', async () => {
    await using server = await serve(handlers);
    const answer = await new Promise<string>((resolve) => {
      const socket = netConnect(server.httpPort, '127.0.0.1');
      socket.setNoDelay(true);
      socket.on('data', (chunk) => resolve(String(chunk)));
      const pieces = ['P', 'O', 'S', `T ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\n`];
      const rest =
        'Content-Type: application/json\r\nConnection: close\r\nContent-Length: 2\r\n\r\n{}';
      const send = ([piece, ...more]: string[]): void => {
        if (piece === undefined) return;
        socket.write(piece, () => setTimeout(send, 5, more));
      };
      send([...pieces, rest]);
    });
    expect(answer).toMatch(/^HTTP\/1\.1 200 /);
  });

  test('a deadline beyond the reach of timers is a long one, not none', async () => {
    await using server = await serve(handlers);
    const answer = await fetch(server.baseUrl + path, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json', 'Connect-Timeout-Ms': '9999999999' },
      body: '{}',
    });
    expect(answer.status).toBe(200);
  });

  test('without authentication, a page that has its name point here is not served', async () => {
    await using server = await serve(handlers);
    const status = (host: string) =>
      new Promise((resolve, reject) => {
        const options = { port: server.httpPort, path: '/metrics', headers: { host } };
        httpRequest(options, (response) => {
          response.resume();
          resolve(response.statusCode);
        })
          .on('error', reject)
          .end();
      });
    expect(await status('attacker.example')).toBe(403);
    expect(await status('127.0.0.1.attacker.example')).toBe(403);
    expect(await status(`localhost:${server.httpPort}`)).toBe(200);
    expect(await status('[::1]:80')).toBe(200);
  });
});
