import { expect, test } from '@jest/globals';
import { TradingQueryService } from '../../../src/gen/cipherhorizon/trading/v1/queries_pb.ts';
import { reject } from '../../../src/kernel/rejection.ts';
import { toToken } from '../../../src/kernel/token.ts';
import { defineQuery } from '../../../src/read/kit.ts';
import type { QueryBusOptions } from '../../../src/read/query-bus.ts';
import {
  alice,
  analyst,
  answered,
  bob,
  callOf,
  portfolios,
  refused,
  startQueryBus,
  strategies,
  strategyRecord,
  tradingQueries,
  uuid,
} from '../../support/query-bus.ts';
import { at, createReadModelsInMemory } from '../../support/read-models-in-memory.ts';

const { method } = TradingQueryService;

/** Searches as a costly question, and counts how often it is really computed. */
function start(options: Partial<QueryBusOptions> = {}) {
  const readModels = createReadModelsInMemory();
  const computed: string[] = [];
  const search = defineQuery({
    method: method.searchStrategies,
    views: [strategies, portfolios],
    cached: true,
    answer: async (query, { reader, page }) => {
      computed.push(query.text);
      if (query.text === 'refuse') return reject('INVALID', 'UNWANTED', 'not that');
      if (query.text === 'fail') throw new Error('a bug');
      const found = await reader.search(strategies, { ...query, where: [], facets: [], ...page });
      return { total: BigInt(found.total), facets: [{ field: query.text.repeat(50) }] };
    },
  });
  const get = defineQuery({
    method: method.getStrategy,
    views: [strategies],
    record: strategyRecord,
    cached: true,
    answer: async ({ strategyId }, _context, found) => {
      computed.push(strategyId);
      return { strategy: { strategyName: String(found?.document.name) } };
    },
  });
  const contexts = [{ service: TradingQueryService, queries: tradingQueries([search, get]) }];
  const bus = startQueryBus({ contexts, readModels, ...options });
  const question = (text: string) => ({ userId: 'alice', text });
  const total = async (text: string) =>
    answered(await bus.ask(method.searchStrategies, question(text))).total;
  return { ...bus, readModels, computed, question, total };
}

test('a costly answer is computed once while its views stand still', async () => {
  const { total, computed, readModels } = start();
  readModels.apply(strategies, 1, uuid(1), { name: 'Momentum' });
  expect([await total('momentum'), await total('momentum')]).toEqual([1n, 1n]);
  expect(computed).toEqual(['momentum']);
  expect(await total('other')).toBe(0n);
  expect(computed).toEqual(['momentum', 'other']);
});

test.each([strategies, portfolios])('and again when $name moves', async (view) => {
  const { total, computed, readModels } = start();
  await total('momentum');
  readModels.apply(view, 1, uuid(1), { name: 'Momentum' });
  expect(await total('momentum')).toBe(view === strategies ? 1n : 0n);
  expect(computed).toHaveLength(2);
});

test('another generation at the same position is another answer', async () => {
  const { total, computed, readModels } = start();
  await total('momentum');
  readModels.tell(strategies, { generation: 2 });
  await total('momentum');
  expect(computed).toHaveLength(2);
});

test('a kept answer tells the lag of now', async () => {
  const { ask, question, computed, readModels } = start();
  readModels.apply(strategies, 1);
  readModels.apply(portfolios, 1);
  const first = answered(await ask(method.searchStrategies, question('a')));
  readModels.tell(strategies, { lagSeconds: 4 });
  const second = answered(await ask(method.searchStrategies, question('a')));
  expect(computed).toHaveLength(1);
  expect(first.freshness).toMatchObject({ token: toToken(at(1)), lagSeconds: 0 });
  expect(second.freshness).toMatchObject({ token: toToken(at(1)), lagSeconds: 4 });
});

test('equal questions at the same time share one computation', async () => {
  const { total, computed } = start();
  await Promise.all(Array.from({ length: 20 }, () => total('momentum')));
  expect(computed).toEqual(['momentum']);
});

test('the age that is asked for is no part of the question, but a refresh is', async () => {
  const { ask, question, computed, readModels } = start();
  readModels.apply(strategies, 5);
  readModels.apply(portfolios, 5);
  for (const commit of [3, 4, 5]) {
    const consistency = { atLeastAsFreshAs: toToken(at(commit)) };
    answered(await ask(method.searchStrategies, { ...question('a'), consistency }));
  }
  expect(computed).toHaveLength(1);
  answered(await ask(method.searchStrategies, question('a')));
  expect(computed).toHaveLength(2);
});

test('the page is a part of the question', async () => {
  const { ask, question, computed } = start();
  for (const pageSize of [10, 20]) {
    answered(await ask(method.searchStrategies, { ...question('a'), page: { pageSize } }));
  }
  expect(computed).toHaveLength(2);
});

test('the owner of a record is checked before a kept answer', async () => {
  const { ask, computed, readModels } = start();
  readModels.apply(strategies, 1, uuid(1), { userId: 'alice', name: 'Momentum' });
  const query = { strategyId: uuid(1) };
  answered(await ask(method.getStrategy, query, callOf(alice)));
  expect(refused(await ask(method.getStrategy, query, callOf(bob))).code).toBe(
    'STRATEGY_NOT_FOUND',
  );
  const answer = answered(await ask(method.getStrategy, query, callOf(analyst)));
  expect(answer.strategy?.strategyName).toBe('Momentum');
  expect(computed).toHaveLength(1);
});

test('a kept answer cannot rest on who asks', async () => {
  const search = defineQuery({
    method: method.searchStrategies,
    views: [strategies],
    cached: true,
    answer: async (_query, { principal }) => ({ total: BigInt(principal.subject.length) }),
  });
  const contexts = [{ service: TradingQueryService, queries: tradingQueries([search]) }];
  const { ask } = startQueryBus({ contexts });
  await expect(ask(method.searchStrategies, { userId: 'alice' })).rejects.toThrow(
    'SearchStrategies: a cached answer cannot rest on who asks',
  );
});

test('refusals and failures are not kept', async () => {
  const { ask, question, computed } = start();
  for (const _ of [1, 2]) {
    expect(refused(await ask(method.searchStrategies, question('refuse'))).code).toBe('UNWANTED');
    await expect(ask(method.searchStrategies, question('fail'))).rejects.toThrow('a bug');
  }
  expect(computed).toEqual(['refuse', 'fail', 'refuse', 'fail']);
});

test('an answer is kept for a time only: what is repaired moves no view', async () => {
  let nowMs = 1_000_000;
  const { total, computed } = start({ now: () => nowMs, limits: { maxAgeMs: 500 } });
  await total('a');
  nowMs += 499;
  await total('a');
  expect(computed).toHaveLength(1);
  nowMs += 1;
  await total('a');
  expect(computed).toHaveLength(2);
});

test('what its lists may lack is in an answer as soon as they show it', async () => {
  let nowMs = 1_000_000;
  const memory = createReadModelsInMemory({ refreshes: true });
  const readModels = { ...memory, shownWithinMs: 500 };
  const { total, computed, ask, question } = start({ now: () => nowMs, readModels });
  memory.apply(strategies, 1, uuid(1), { name: 'Momentum' });
  memory.apply(portfolios, 1);
  expect(await total('momentum')).toBe(0n);
  nowMs += 499;
  expect(await total('momentum')).toBe(0n);
  expect(computed).toHaveLength(1);
  await memory.refresh(strategies);
  nowMs += 1;
  expect(await total('momentum')).toBe(1n);
  // Who has it refreshed lacks nothing: that is kept as usual.
  const consistency = { atLeastAsFreshAs: toToken(at(1)) };
  for (let times = 0; times < 3; times += 1) {
    answered(await ask(method.searchStrategies, { ...question('momentum'), consistency }));
    nowMs += 600;
  }
  expect(computed).toHaveLength(3);
});

test('those that were not asked for the longest are forgotten', async () => {
  const { total, computed } = start({ limits: { cachedAnswers: 2 } });
  for (const text of ['a', 'b', 'a', 'c', 'a', 'b']) await total(text);
  expect(computed).toEqual(['a', 'b', 'c', 'b']);
});

test('those that have no room together push each other out', async () => {
  const { total, computed } = start({ limits: { cachedBytes: 1_000 } });
  const [a, b] = ['a'.repeat(10), 'b'.repeat(10)];
  for (const text of [a, a, b, a, a]) await total(text);
  expect(computed).toEqual([a, b, a]);
});

test('an answer larger than the room is not kept, and pushes none out', async () => {
  const { total, computed } = start({ limits: { cachedBytes: 1_000 } });
  const large = 'x'.repeat(20);
  for (const text of ['a', large, 'a', large]) await total(text);
  expect(computed).toEqual(['a', large, large]);
});
