import { expect, test } from '@jest/globals';
import { TradingQueryService } from '../../../src/gen/cipherhorizon/trading/v1/queries_pb.ts';
import type { Principal } from '../../../src/kernel/principal.ts';
import {
  alice,
  analyst,
  answered,
  bob,
  callOf,
  getStrategy,
  listStrategies,
  operator,
  refused,
  startQueryBus,
  strategies,
  tradingQueries,
  uuid,
} from '../../support/query-bus.ts';
import { createReadModelsInMemory } from '../../support/read-models-in-memory.ts';

const { method } = TradingQueryService;

function start() {
  const readModels = createReadModelsInMemory();
  readModels.apply(strategies, 1, uuid(1), { userId: 'alice', name: 'Momentum' });
  const queries = tradingQueries([getStrategy, listStrategies]);
  const contexts = [{ service: TradingQueryService, queries }];
  return { readModels, ...startQueryBus({ contexts, readModels }) };
}

test.each<[string, Principal | undefined, string]>([
  ['nobody that is known', undefined, 'UNAUTHENTICATED'],
  ['somebody without the role', operator, 'ROLE_MISSING'],
])('%s gets nothing, not even a look', async (_who, principal, code) => {
  const { ask, watch, readModels } = start();
  const call = { ...callOf(), principal };
  const query = { strategyId: uuid(1) };
  expect(refused(await ask(method.getStrategy, query, call)).code).toBe(code);
  expect(refused(await ask(method.listStrategies, { userId: 'alice' }, call)).code).toBe(code);
  const first = await watch(method.watchStrategy, query, call).next();
  expect(refused(first.value).code).toBe(code);
  expect(readModels.reads).toEqual([]);
});

test('who may not ask learns it before what is wrong with the question', async () => {
  const { ask } = start();
  const wrong = { strategyId: 'no uuid' };
  expect(refused(await ask(method.getStrategy, wrong, callOf(operator))).kind).toBe('FORBIDDEN');
  const own = refused(await ask(method.getStrategy, wrong, callOf(alice)));
  expect(own).toMatchObject({ kind: 'INVALID', code: 'VALIDATION_FAILED' });
  expect(own.fields?.map(({ field }) => field)).toEqual(['strategy_id']);
});

test('a query that names its owner is for the owner, and for roles that may read of all', async () => {
  const { ask, readModels } = start();
  const of = async (userId: string, principal: Principal) =>
    ask(method.listStrategies, { userId }, callOf(principal));
  expect(answered(await of('alice', alice)).strategies).toHaveLength(1);
  expect(answered(await of('alice', analyst)).strategies).toHaveLength(1);
  readModels.reads.length = 0;
  const refusal = refused(await of('alice', bob));
  const message = "user_id is 'alice'; it has to be the caller's own";
  expect(refusal).toMatchObject({
    ...{ kind: 'FORBIDDEN', code: 'NOT_THE_OWNER', message },
    fields: [{ field: 'user_id', rule: 'NOT_THE_OWNER', message }],
  });
  // The same for a user that has nothing, and without a look.
  const other = JSON.stringify(refused(await of('nobody', bob)));
  expect(other.replaceAll("'nobody'", "'alice'")).toBe(JSON.stringify(refusal));
  expect(readModels.reads).toEqual([]);
});

test('a record is for its owner, and for roles that may read of all', async () => {
  const { ask } = start();
  const of = async (principal: Principal) =>
    answered(await ask(method.getStrategy, { strategyId: uuid(1) }, callOf(principal)));
  expect((await of(alice)).strategy?.strategyName).toBe('Momentum');
  expect((await of(analyst)).strategy?.strategyName).toBe('Momentum');
});

test("another's record and one that is not there are refused alike, after the same reads", async () => {
  const { ask, readModels } = start();
  const refusalOf = async (id: string) => {
    readModels.reads.length = 0;
    const refusal = refused(await ask(method.getStrategy, { strategyId: id }, callOf(bob)));
    return JSON.stringify({ refusal, reads: readModels.reads }).replaceAll(id, 'ID');
  };
  const foreign = await refusalOf(uuid(1));
  expect(foreign).toBe(await refusalOf(uuid(2)));
  expect(JSON.parse(foreign)).toEqual({
    refusal: {
      rejected: true,
      kind: 'NOT_FOUND',
      code: 'STRATEGY_NOT_FOUND',
      message: "there is no strategy 'ID'",
    },
    reads: ['progress trading_strategies', 'get trading_strategies'],
  });
});

test('a role that may read of all is told that a record is missing in the same words', async () => {
  const { ask } = start();
  const query = { strategyId: uuid(2) };
  expect(refused(await ask(method.getStrategy, query, callOf(analyst)))).toEqual(
    refused(await ask(method.getStrategy, query, callOf(bob))),
  );
});

test('a record without an owner is nobody’s', async () => {
  const { ask, readModels } = start();
  readModels.apply(strategies, 2, uuid(3), { name: 'Stray' });
  const query = { strategyId: uuid(3) };
  const unnamed: Principal = { subject: '', roles: ['user'] };
  readModels.apply(strategies, 3, uuid(4), { userId: '', name: 'Stray' });
  expect(refused(await ask(method.getStrategy, query, callOf(alice))).kind).toBe('NOT_FOUND');
  const empty = { strategyId: uuid(4) };
  expect(refused(await ask(method.getStrategy, empty, callOf(unnamed))).kind).toBe('NOT_FOUND');
});
