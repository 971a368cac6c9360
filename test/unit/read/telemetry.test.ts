import { create } from '@bufbuild/protobuf';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import {
  type Context,
  INVALID_SPAN_CONTEXT,
  type Span,
  type SpanContext,
  type Tracer,
  trace,
} from '@opentelemetry/api';
import { Ownership } from '../../../src/gen/cipherhorizon/platform/v1/options_pb.ts';
import { TradingQueryService } from '../../../src/gen/cipherhorizon/trading/v1/queries_pb.ts';
import {
  alice,
  callOf,
  getStrategy,
  startQueryBus,
  strategies,
  tradingQueries,
  uuid,
} from '../../support/query-bus.ts';
import { secretService } from '../../support/query-protos.ts';
import { createReadModelsInMemory } from '../../support/read-models-in-memory.ts';

const { method } = TradingQueryService;
const spans: { name: string; parent: SpanContext | undefined }[] = [];

/** The API without a product behind it: it notes each span and its parent. */
function noting(): Tracer {
  const startActiveSpan = (
    name: string,
    _options: object,
    parent: Context,
    run: (span: Span) => unknown,
  ) => {
    spans.push({ name, parent: trace.getSpanContext(parent) });
    return run(trace.wrapSpanContext(INVALID_SPAN_CONTEXT));
  };
  return { startActiveSpan } as unknown as Tracer;
}

beforeAll(() => {
  trace.setGlobalTracerProvider({ getTracer: noting });
});

afterAll(() => trace.disable());

function start() {
  const readModels = createReadModelsInMemory();
  readModels.apply(strategies, 1, uuid(1), { userId: 'alice', name: 'Momentum' });
  const contexts = [{ service: TradingQueryService, queries: tradingQueries([getStrategy]) }];
  return startQueryBus({ contexts, readModels });
}

test('one line a query: debug for an answer, info for a refusal', async () => {
  const { ask, lines } = start();
  await ask(method.getStrategy, { strategyId: uuid(1) });
  await ask(method.getStrategy, { strategyId: uuid(2) });
  const line = { query: 'cipherhorizon.trading.v1.GetStrategyQuery', actor: 'alice' };
  const ms = expect.any(Number);
  expect(lines).toEqual([
    {
      level: 'debug',
      fields: { ...line, ms, parameters: { strategyId: uuid(1) } },
      message: 'query answered',
    },
    {
      level: 'info',
      fields: { ...line, ms, parameters: { strategyId: uuid(2) }, code: 'STRATEGY_NOT_FOUND' },
      message: 'query refused',
    },
  ]);
});

test('what has no JSON form, or is long, is not written out', async () => {
  const { ask, lines } = start();
  await ask(method.listTrades, {
    portfolioId: uuid(1),
    executedFrom: { seconds: 2n ** 62n, nanos: -1 },
  });
  await ask(method.searchStrategies, { userId: 'alice', text: 'x'.repeat(100_000) });
  expect(lines.map(({ fields }) => (fields as { parameters: unknown }).parameters)).toEqual([
    '(without a JSON form)',
    expect.stringMatching(/^\(1000\d\d characters\)$/),
  ]);
});

test('every query is counted by its outcome', async () => {
  const { ask, observed } = start();
  await ask(method.getStrategy, { strategyId: uuid(1) });
  await ask(method.getStrategy, { strategyId: uuid(2) });
  await ask(method.getStrategy, { strategyId: 'x' });
  await ask(method.getStrategy, { strategyId: uuid(1) }, { ...callOf(), principal: undefined });
  expect(observed).toEqual([
    'GetStrategyQuery answered',
    'GetStrategyQuery STRATEGY_NOT_FOUND',
    'GetStrategyQuery VALIDATION_FAILED',
    'GetStrategyQuery UNAUTHENTICATED',
  ]);
});

test('the trace of the caller goes on', async () => {
  const { ask } = start();
  spans.length = 0;
  const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
  await ask(method.getStrategy, { strategyId: uuid(1) }, callOf(alice, { traceparent }));
  await ask(method.getStrategy, { strategyId: uuid(1) }, callOf(alice, { traceparent: 'x' }));
  expect(spans).toEqual([
    {
      name: 'GetStrategyQuery',
      parent: {
        traceId: '0af7651916cd43dd8448eb211c80319c',
        spanId: 'b7ad6b7169203331',
        traceFlags: 1,
        isRemote: true,
      },
    },
    { name: 'GetStrategyQuery', parent: undefined },
  ]);
});

test('a secret reaches no log, wherever it stands in the query', async () => {
  const access = { roles: ['user'], ownership: Ownership.REQUEST, ownerField: 'owner' };
  const { service, method } = secretService({ access });
  const seen: string[] = [];
  const answer = async (query: object) => {
    seen.push(JSON.stringify(query));
    return {};
  };
  const queries = [{ method, views: [strategies], answer }];
  const { services, lines } = startQueryBus({ contexts: [{ service, queries }] });
  const handler = services[0]?.handlers[0];
  if (handler?.kind !== 'unary') throw new Error('it is unary');
  const within = { password: 'hunter2' };
  const query: Record<string, unknown> = {
    owner: 'alice',
    password: 'hunter2',
    one: within,
    many: [within, within],
  };
  await handler.handle(create(method.input, query), callOf(alice));
  await handler.handle(create(method.input, { ...query, owner: 'bob' }), callOf(alice));
  expect(lines.map(({ fields }) => (fields as { parameters: unknown }).parameters)).toEqual([
    { owner: 'alice', one: {}, many: [{}, {}] },
    { owner: 'bob', one: {}, many: [{}, {}] },
  ]);
  expect(JSON.stringify(lines)).not.toContain('hunter2');
  // The handler gets it whole.
  expect(seen.join().split('hunter2')).toHaveLength(5);
});
