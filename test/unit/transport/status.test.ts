import { create, type Message } from '@bufbuild/protobuf';
import { createClient } from '@connectrpc/connect';
import { createConnectTransport, createGrpcWebTransport } from '@connectrpc/connect-node';
import { describe, expect, test } from '@jest/globals';
import {
  CreateTradingStrategyCommandSchema,
  TradingCommandService,
} from '../../../src/gen/cipherhorizon/trading/v1/commands_pb.ts';
import {
  TradingQueryService,
  WatchStrategyQuerySchema,
} from '../../../src/gen/cipherhorizon/trading/v1/queries_pb.ts';
import {
  BadRequestSchema,
  ErrorInfoSchema,
  RetryInfoSchema,
} from '../../../src/gen/google/rpc/error_details_pb.ts';
import { StoreFault, type StoreFaultCode } from '../../../src/kernel/fault.ts';
import { type Rejection, type RejectionKind, reject } from '../../../src/kernel/rejection.ts';
import { failureOf } from '../../../src/transport/status.ts';
import { onCreate, onWatch, receipt, unaryRpc, watched, watchRpc } from './rpcs.ts';
import {
  collect,
  type Failed,
  failedOfConnect,
  failure,
  grpcClient,
  type keepLog,
  serve,
} from './server-kit.ts';

const command = create(CreateTradingStrategyCommandSchema, { userId: 'u', strategyName: 'trend' });
const query = create(WatchStrategyQuerySchema, { strategyId: 's' });

type Ports = { readonly grpcPort: number; readonly baseUrl: string };
type Caller = { unary: (to: Ports) => Promise<unknown>; stream: (to: Ports) => Promise<unknown> };

const overGrpc: Caller = {
  unary: async ({ grpcPort }) => {
    using client = grpcClient(grpcPort);
    return await client.unary(unaryRpc, command);
  },
  stream: async ({ grpcPort }) => {
    using client = grpcClient(grpcPort);
    return await client.serverStream(watchRpc, query);
  },
};

function overConnect(open: typeof createConnectTransport): Caller {
  const failed = (error: unknown) => Promise.reject(failedOfConnect(error));
  const transport = ({ baseUrl }: Ports) => open({ baseUrl, httpVersion: '1.1' });
  return {
    unary: (to) =>
      createClient(TradingCommandService, transport(to))
        .createTradingStrategy(command)
        .catch(failed),
    stream: (to) =>
      collect(createClient(TradingQueryService, transport(to)).watchStrategy(query)).catch(failed),
  };
}

const callers: [string, Caller][] = [
  ['gRPC', overGrpc],
  ['Connect', overConnect(createConnectTransport)],
  ['gRPC-Web', overConnect(createGrpcWebTransport)],
];

async function failedOf(call: Promise<unknown>): Promise<Failed> {
  return (await failure(call)) as Failed;
}

const kinds: Record<RejectionKind, { code: number; retryMs?: number }> = {
  INVALID: { code: 3 },
  NOT_FOUND: { code: 5 },
  ALREADY_EXISTS: { code: 6 },
  PRECONDITION: { code: 9 },
  CONFLICT: { code: 10 },
  UNAUTHENTICATED: { code: 16 },
  FORBIDDEN: { code: 7 },
  OVERLOADED: { code: 8, retryMs: 200 },
  UNAVAILABLE: { code: 14, retryMs: 1000 },
  TIMED_OUT: { code: 4 },
};

function expectedOf(rejection: Rejection): Failed {
  const { code, retryMs } = kinds[rejection.kind];
  const details: Message[] = [
    create(ErrorInfoSchema, {
      reason: rejection.code,
      domain: 'cipherhorizon',
      metadata: rejection.details ?? {},
    }),
  ];
  if (rejection.fields !== undefined) {
    const fieldViolations = rejection.fields.map(({ field, rule, message }) => ({
      field,
      reason: rule,
      description: message,
    }));
    details.push(create(BadRequestSchema, { fieldViolations }));
  }
  if (retryMs !== undefined) {
    const retryDelay = {
      seconds: BigInt(Math.floor(retryMs / 1000)),
      nanos: (retryMs % 1000) * 1e6,
    };
    details.push(create(RetryInfoSchema, { retryDelay }));
  }
  return { code, message: rejection.message, details };
}

describe.each(callers)('a refusal over %s', (_, caller) => {
  test.each(Object.keys(kinds) as RejectionKind[])(
    '%s has its status and details',
    async (kind) => {
      const refusal = reject(kind, 'SOME_RULE', 'ü 7 % breaks\nthe rule', {
        details: { limit: '7' },
        ...(kind === 'INVALID' && {
          fields: [
            { field: 'rules[0].type', rule: 'enum.defined_only', message: 'is 9, not defined' },
          ],
        }),
      });
      await using server = await serve([
        onCreate(() => refusal),
        onWatch(async function* () {
          yield watched('1');
          yield refusal;
          throw new Error('a refusal is the last item');
        }),
      ]);
      expect(await failedOf(caller.unary(server))).toEqual(expectedOf(refusal));
      expect(await failedOf(caller.stream(server))).toEqual(expectedOf(refusal));
      expect(server.log.lines.filter(({ level }) => level === 'error')).toEqual([]);
    },
  );
});

describe('what does not fit into a header', () => {
  const long = 'é'.repeat(5000);
  const refusal = reject('INVALID', 'SOME_RULE', long, {
    details: Object.fromEntries(Array.from({ length: 100 }, (_, i) => [`key${i}`, long])),
    fields: Array.from({ length: 100 }, () => ({ field: 'f', rule: 'r', message: long })),
  });

  test.each(callers)('is cut, so that it arrives over %s', async (_, caller) => {
    await using server = await serve([onCreate(() => refusal)]);
    const { code, message, details } = await failedOf(caller.unary(server));
    expect(code).toBe(3);
    expect(message).toBe(`${'é'.repeat(499)}…`);
    expect(details.map(({ $typeName }) => $typeName)).toEqual([
      'google.rpc.ErrorInfo',
      'google.rpc.BadRequest',
    ]);
  });

  test('half a character does not break the answer', async () => {
    const half = reject('INVALID', 'SOME_RULE', 'before \ud83d after', {
      details: { a: '\ud83d' },
    });
    await using server = await serve([onCreate(() => half)]);
    const { message } = await failedOf(overGrpc.unary(server));
    expect(message).toBe('before \ufffd after');
    expect(failureOf(half).message.isWellFormed()).toBe(true);
  });
});

describe.each(callers)('a fault over %s', (_, caller) => {
  const secret = 'SELECT password FROM users';
  const faults: [string, number, boolean, Error][] = [
    ['INTERNAL', 13, false, new Error(secret)],
    ...(
      [
        ['STORE_UNAVAILABLE', 14, true],
        ['STORE_BUSY', 14, true],
        ['STORE_CLOSED', 14, true],
        ['STORE_FULL', 8, false],
        ['STORE_TOO_LARGE', 8, false],
        ['STORE_READ_ONLY', 9, false],
        ['STORE_CORRUPT', 15, false],
        ['STORE_FAILED', 13, false],
      ] as [StoreFaultCode, number, boolean][]
    ).map(([code, status, retry]): [string, number, boolean, Error] => [
      code,
      status,
      retry,
      new StoreFault(code, secret),
    ]),
  ];

  test.each(faults)('%s tells the log, and the caller where to look', async (...row) => {
    const [reason, code, retry, fault] = row;
    await using server = await serve([
      onCreate(() => Promise.reject(fault)),
      onWatch(async function* () {
        yield watched('1');
        throw fault;
      }),
    ]);
    for (const call of [caller.unary, caller.stream]) {
      const failed = await failedOf(call(server));
      const id = correlationOf(server.log);
      expect(failed.code).toBe(code);
      expect(failed.message).toMatch(new RegExp(`the log has it under the correlation id ${id}$`));
      const [info, retryInfo, ...rest] = failed.details;
      const metadata = { correlation_id: id };
      expect(info).toEqual(create(ErrorInfoSchema, { reason, domain: 'cipherhorizon', metadata }));
      expect(retryInfo?.$typeName).toBe(retry ? 'google.rpc.RetryInfo' : undefined);
      expect(rest).toEqual([]);
      expect(JSON.stringify(failed, (_, value) => String(value))).not.toMatch(/SELECT|\.ts|at /);
    }
    const errors = server.log.lines.filter(({ level }) => level === 'error');
    expect(errors.map(({ fields }) => (fields as { err: unknown }).err)).toEqual([fault, fault]);
  });

  test('an answer that cannot be encoded is one', async () => {
    const broken = receipt('c');
    broken.revision = 'nine' as unknown as bigint;
    await using server = await serve([onCreate(() => broken)]);
    const failed = await failedOf(caller.unary(server));
    expect(failed.code).toBe(13);
    expect(failed.message).not.toContain('nine');
    expect(server.log.lines.map(({ message }) => message)).toContain('an RPC failed');
  });
});

test('the correlation id of the caller is the one in the log', async () => {
  await using server = await serve([onCreate(() => Promise.reject(new Error('no')))]);
  using client = grpcClient(server.grpcPort);
  await failedOf(client.unary(unaryRpc, command, { 'x-correlation-id': 'order-7' }));
  expect(correlationOf(server.log)).toBe('order-7');
  await failedOf(client.unary(unaryRpc, command, { 'x-correlation-id': 'two words' }));
  expect(correlationOf(server.log)).toMatch(/^[\da-f-]{36}$/);
});

function correlationOf({ lines }: ReturnType<typeof keepLog>): string {
  const last = lines.findLast(({ level }) => level === 'error');
  return (last?.fields as { correlationId?: string } | undefined)?.correlationId ?? 'none';
}
