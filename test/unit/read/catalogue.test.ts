import { expect, test } from '@jest/globals';
import { Ownership } from '../../../src/gen/cipherhorizon/platform/v1/options_pb.ts';
import { TradingQueryService } from '../../../src/gen/cipherhorizon/trading/v1/queries_pb.ts';
import type { QueryHandler } from '../../../src/read/kit.ts';
import {
  getStrategy,
  listStrategies,
  portfolios,
  startQueryBus,
  strategies,
  strategyRecord,
  tradingQueries,
} from '../../support/query-bus.ts';
import { secretService } from '../../support/query-protos.ts';

const service = TradingQueryService;
const whole = tradingQueries([]);
const starting = (queries: readonly QueryHandler[]) => () =>
  startQueryBus({ contexts: [{ service, queries }] });

const access = { roles: ['user'], ownership: Ownership.REQUEST, ownerField: 'owner' };
const startingSecret =
  (proto: Parameters<typeof secretService>[0], handler: Partial<QueryHandler> = {}) =>
  () => {
    const { service, method } = secretService(proto);
    const queries = [{ method, views: [strategies], answer: async () => ({}), ...handler }];
    startQueryBus({ contexts: [{ service, queries }] });
  };

test('a handler for each method of the service is what a bus needs', () => {
  const { services } = startQueryBus();
  expect(services.map((served) => served.service.typeName)).toEqual([service.typeName]);
  expect(services[0]?.handlers.map((handler) => handler.method)).toEqual(service.methods);
  expect(startingSecret({ access })).not.toThrow();
});

test('a method that nothing answers is named', () => {
  const queries = whole.filter(({ method }) => method.name !== 'ListTrades');
  expect(starting(queries)).toThrow(
    'cipherhorizon.trading.v1.TradingQueryService.ListTrades: ' +
      'no handler of TradingQueryService answers it',
  );
});

test('two handlers of one method, and one of another service', () => {
  expect(starting([...whole, getStrategy])).toThrow('GetStrategy: 2 handlers answer it');
  const { method } = secretService({ access });
  const stranger = { method, views: [strategies], answer: async () => ({}) };
  expect(starting([...whole, stranger])).toThrow(
    'test.v1.SecretService.CheckSecret is no method of cipherhorizon.trading.v1.Trading',
  );
});

test('a handler that rests on no view', () => {
  expect(starting(tradingQueries([{ ...listStrategies, views: [] }]))).toThrow(
    'ListStrategies: its handler names no view',
  );
});

test('ownership by record and the record of the handler go together', () => {
  const { record: _, ...without } = getStrategy;
  expect(starting(tradingQueries([without]))).toThrow(
    'GetStrategy: its access is by record, but its handler names none',
  );
  const record = { ...strategyRecord, id: () => '' };
  expect(starting(tradingQueries([{ ...listStrategies, record }]))).toThrow(
    'ListStrategies: its handler names a record, but not its access',
  );
});

test('the record has to be of a view of the handler, and its owner a keyword of it', () => {
  const id = () => '';
  const starts = (record: QueryHandler['record'] & object) =>
    starting(tradingQueries([{ ...getStrategy, record }]));
  expect(starts({ ...strategyRecord, id, model: portfolios })).toThrow(
    'the view trading_portfolios of its record is not among its views',
  );
  expect(starts({ ...strategyRecord, id, ownerField: 'owner' })).toThrow(
    "the view trading_strategies has no field 'owner'",
  );
  const model = { ...strategies, schema: { userId: { kind: 'keyword', fold: true } } } as const;
  expect(starts({ ...strategyRecord, id, model })).toThrow(
    "'userId' of the view trading_strategies cannot hold an owner's subject",
  );
});

test.each([
  ['declares no access', {}],
  ['its access names no role', { access: { ...access, roles: [] } }],
  ['its access names no ownership', { access: { roles: ['user'] } }],
  ["CheckSecretQuery has no field 'who'", { access: { ...access, ownerField: 'who' } }],
  ["CheckSecretQuery has no field ''", { access: { ...access, ownerField: '' } }],
  ["'one' of CheckSecretQuery is no singular string", { access: { ...access, ownerField: 'one' } }],
  ['CheckSecretAnswer has no field for Freshness', { access, freshness: false }],
  ['a query cannot be client_streaming', { access, clientStreaming: true }],
])('a proto is refused: %s', (message, proto) => {
  expect(startingSecret(proto)).toThrow(`test.v1.SecretService.CheckSecret: ${message}`);
});

test('the owner may be named within a message of the query', () => {
  const within = { ...access, ownerField: 'one.password' };
  expect(startingSecret({ access: within })).not.toThrow();
});

test('an answer to a secret is not kept', () => {
  expect(startingSecret({ access }, { cached: true })).toThrow(
    'an answer to a secret cannot be cached',
  );
});
